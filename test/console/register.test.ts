/**
 * Registering in a real browser: a good database, a superuser's string whose fix the owner runs, and strings that are
 * repaired with one press. Afterwards, the typed password is in no request, storage, address or document.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { useBrowser, withBrowser } from '#test/support/console/browser.ts'
import { openConsole, type WatchedPage } from '#test/support/console/watched-page.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { newCanary } from '#test/support/operations/canary.ts'

const VERDICT_MS = 40_000

withBrowser('Registering', () => {
  const browser = useBrowser()
  const canary = newCanary()
  let mooring: Mooring
  let customer: Customer
  let open: WatchedPage
  beforeAll(async () => {
    mooring = await startMooring()
    customer = await makeCustomer(canary.password)
  })
  beforeEach(async () => {
    open = await openConsole(browser(), { url: mooring.url, key: mooring.organization.testKey })
    await open.go('/register')
  })
  afterEach(async () => {
    expect(open.wrongs()).toEqual([])
    await open.close()
  })
  afterAll(async () => {
    await mooring.stop()
    await customer.drop()
  })

  const field = () => open.page.getByLabel('postgresql://user:password@host/database')
  const send = () => open.page.getByRole('button', { name: 'Seal and register' }).click()

  it('a good database leads to an active one, sealed in the page, and the password is nowhere afterwards', async () => {
    const { page } = open
    await field().fill(customer.url())
    for (const part of [customer.host, String(customer.port), customer.database, customer.roles.reader, 'require'])
      await page.locator('.reading').getByText(part, { exact: true }).waitFor()
    expect(await open.sightingsOf(canary)).toEqual([])
    await send()
    await page.getByText('It is active: every check has passed.').waitFor({ timeout: VERDICT_MS })
    expect(await page.locator('.check.pass').count()).toBeGreaterThan(10)
    expect(await open.sightingsOf(canary)).toEqual([])
    await page.getByRole('link', { name: 'Open' }).click()
    await page.getByRole('heading', { name: new RegExp(customer.database) }).waitFor()
    expect(await open.sightingsOf(canary)).toEqual([])
  })

  it('the checklist fills in while the check runs: lines that a silent server has passed are ticked before the verdict', async () => {
    const { page } = open
    const silent = createServer(socket => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    try {
      await field().fill(customer.url('reader', { port: portOf(silent) }))
      await send()
      const line = (name: string) => page.locator('[aria-busy] .check', { hasText: name })
      await line('A connection is accepted').getByText('passed so far').waitFor()
      await line('The host may be dialled').getByText('passed so far').waitFor()
      await line('The connection is encrypted').getByText('not tried yet').waitFor()
      await page.getByText('It could not be reached').waitFor({ timeout: VERDICT_MS })
      await page.locator('.check.fail').first().waitFor()
    } finally {
      silent.close()
    }
  })

  it("a superuser's string is refused with the fix, and passes once its owner has run the fix", async () => {
    const { page } = open
    await field().fill(customer.url('superuser'))
    await send()
    await page.getByText('It was refused').waitFor({ timeout: VERDICT_MS })
    const failed = page.locator('.check.fail', { hasText: 'The role is not a superuser' })
    await failed.getByRole('button', { name: 'Copy' }).click()
    const fix = await page.evaluate(() => navigator.clipboard.readText())
    const [, role = ''] = /create role "([^"]+)"/.exec(fix) ?? []
    const password = canary.password.replaceAll("'", "''")
    await customer.sql(fix.replace('<a new password>', password))
    await field().fill(customer.url('reader', { user: role }))
    await page.getByRole('button', { name: 'Seal and rotate' }).click()
    await page.getByText('It is active: every check has passed.').waitFor({ timeout: VERDICT_MS })
    expect(await open.sightingsOf(canary)).toEqual([])
    await customer.sql(`drop owned by "${role}"; drop role "${role}"`)
  })

  it('a password with unencoded characters is repaired with one press, and nothing is sent before', async () => {
    const { page } = open
    const sent: string[] = []
    page.on('request', request => {
      if (request.url().includes('/trpc/datasources.register')) sent.push(request.url())
    })
    await field().fill('postgresql://app:p@ss/w#rd%@db.example.com:6543/orders')
    await page.getByText(/percent-encode the whole password/).waitFor()
    expect(await page.getByRole('button', { name: 'Seal and register' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Encode it for me' }).click()
    expect(await field().inputValue()).toBe('postgresql://app:p%40ss%2Fw%23rd%25@db.example.com:6543/orders')
    await page.locator('.reading').getByText('db.example.com').waitFor()
    await page.locator('.reading').getByText('6543').waitFor()
    expect(sent).toEqual([])
  })

  it('a string is hidden while it is typed, and shown on request', async () => {
    const { page } = open
    await field().fill(customer.url())
    const security = () => field().evaluate(input => getComputedStyle(input).getPropertyValue('-webkit-text-security'))
    expect(await security()).toBe('disc')
    await page.getByRole('button', { name: 'Show the string' }).click()
    expect(await security()).toBe('none')
    expect(await open.sightingsOf(canary)).toEqual([])
  })

  it('a host that may not be dialled is refused with its reason and the id of the request', async () => {
    const { page } = open
    await field().fill(customer.url('reader', { host: '10.0.0.1' }))
    await page.getByText('The host is in a private network').waitFor()
    await send()
    await page.getByText('byo_host_not_allowed').waitFor()
    await page.getByText(/req_[0-9a-f]{32}/).waitFor()
    expect(await open.sightingsOf(canary)).toEqual([])
  })

  it('the role that is shown beside it changes with provider and schema', async () => {
    const { page } = open
    await page.getByLabel('Schema', { exact: true }).last().fill('app')
    await page.locator('.code pre').getByText('"app"').first().waitFor()
    await page.getByRole('combobox', { name: 'Provider' }).click()
    await page.getByRole('option', { name: 'Supabase' }).click()
    await page.getByRole('combobox', { name: 'Provider' }).getByText('Supabase').waitFor()
  })
})
