/**
 * Signing in to the console: with a key, and with a terminal code that is neither sent automatically nor left in the
 * address.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { makeConsoleCode } from '#server/standalone/console-sign-in.ts'
import { useBrowser, withBrowser } from '#test/support/console/browser.ts'
import { openConsole, type WatchedPage } from '#test/support/console/watched-page.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const run = promisify(execFile)
const UNREACHED = 'postgresql://app:a-password@127.0.0.1:1/orders'

withBrowser('The sign-in', () => {
  const browser = useBrowser()
  let dir: string
  let mooring: Mooring
  let url: string
  let open: WatchedPage | null = null
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mooring-console-'))
    mooring = await startMooring({ worker: false, consoleFolder: dir })
    url = mooring.url.replace('127.0.0.1', 'localhost')
  })
  afterEach(async () => {
    await open?.close()
    open = null
  })
  afterAll(async () => {
    await mooring.stop()
    await rm(dir, { recursive: true, force: true })
  })

  const opened = async (address: string): Promise<WatchedPage> => {
    open = await openConsole(browser(), { url })
    await open.page.goto(address)
    return open
  }

  it('accepts a known key, and keeps it only in this tab', async () => {
    const { page, context, wrongs } = await opened(`${url}/`)
    const key = mooring.organization.testKey
    await page.getByLabel('API key').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Datasources' }).waitFor()
    const held = await page.evaluate(() => [{ ...sessionStorage }, { ...localStorage }, document.cookie, location.href])
    expect(JSON.stringify(held[0])).toContain(key)
    expect(JSON.stringify(held.slice(1))).not.toContain(key)
    expect(await page.content()).not.toContain(key)
    const other = await context.newPage()
    await other.goto(`${url}/`)
    await other.getByRole('button', { name: 'Sign in' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    expect(wrongs()).toEqual([])
  })

  it('refuses a mistyped key without sending it, and an unknown one with its request id', async () => {
    const { page } = await opened(`${url}/`)
    const requests: string[] = []
    page.on('request', request => requests.push(new URL(request.url()).pathname))
    await page.getByLabel('API key').fill(`${mooring.organization.testKey}x`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('This is not a key').waitFor()
    expect(requests.filter(one => one.startsWith('/trpc'))).toEqual([])
    const revoked = await mooring.client().organization.createKey.mutate({})
    await mooring.client().organization.revokeKey.mutate({ id: revoked.id })
    await page.getByLabel('API key').fill(revoked.key ?? '')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText(/req_[0-9a-f]{32}/).waitFor()
    await page.getByText('apikey_revoked').waitFor()
  })

  it('removes a code from the address of an open page in any earlier session', async () => {
    const code = await makeConsoleCode(dir, new Date())
    open = await openConsole(browser(), { url, key: mooring.organization.testKey })
    const { page } = open
    await page.goto(`${url}/`)
    await page.getByRole('heading', { name: 'Datasources' }).waitFor()
    await page.evaluate(hash => location.assign(hash), `#code=${code}`)
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByRole('heading', { name: 'Datasources' }).waitFor()
    expect(page.url()).not.toContain('code')
    await page.goBack()
    expect(page.url()).not.toContain('code')
    expect(open.wrongs()).toEqual([])
  })

  it('removes a code from the address before anything else, and sends it when the button is pressed', async () => {
    const code = await makeConsoleCode(dir, new Date())
    const requests: { url: string; body: string }[] = []
    open = await openConsole(browser(), { url })
    open.page.on('request', request => requests.push({ url: request.url(), body: request.postData() ?? '' }))
    await open.page.goto(`${url}/#code=${code}`)
    const { page } = open
    await page.getByRole('button', { name: 'Open the console' }).waitFor()
    expect(page.url()).not.toContain('code')
    expect(requests.filter(one => `${one.url}${one.body}`.includes(code))).toEqual([])
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByRole('heading', { name: 'Datasources' }).waitFor()
    expect(requests.filter(one => one.url.includes(code))).toEqual([])
    expect(requests.filter(one => one.body.includes(code))).toHaveLength(1)
    const [own] = await query(mooring.databaseUrl, `select mode, name from api_keys where name = 'console'`)
    expect(own).toEqual({ mode: 'test', name: 'console' })

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    const keys = await mooring.client().organization.listKeys.query({})
    expect(keys.items.find(one => one.name === 'console')?.revokedAt).not.toBeNull()
    expect(open.wrongs()).toEqual([])
  })

  it('accepts the address that the command console prints, and shows its key the whole installation', async () => {
    const other = await mooring.newOrganization('Second')
    for (const key of [mooring.organization.testKey, other.testKey])
      await mooring.client(key).datasources.register.mutate({ connectionString: UNREACHED })
    const { stdout } = await run(process.execPath, ['server/cli.ts', 'console'], {
      env: { ...process.env, MOORING_DATA_DIR: dir, MOORING_PUBLIC_URL: url },
    })
    const { page } = await opened(stdout.trim())
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByText('Figures for the whole installation').waitFor()
    await page.getByText('No worker seen recently').waitFor()
    const unverified = (page: Page) => page.locator('.figure', { hasText: 'Not verified' }).getByRole('definition')
    expect(await unverified(page).textContent()).toBe('2')
    await open?.close()
    open = await openConsole(browser(), { url, key: other.testKey })
    await open.go('/overview')
    await open.page.getByText('Figures for your organization').waitFor()
    expect(await unverified(open.page).textContent()).toBe('1')
  })

  it('says how to get a new code when one is used again', async () => {
    const code = await makeConsoleCode(dir, new Date())
    await makeConsoleCode(dir, new Date())
    const { page } = await opened(`${url}/#code=${code}`)
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.getByText('npm run -s mooring -- console').waitFor()
    await page.getByRole('button', { name: 'Use an API key instead' }).click()
    await page.getByLabel('API key').waitFor()
  })
})
