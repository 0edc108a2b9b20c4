/**
 * A signed endpoint in a real browser: it is registered with its form, its events appear with their delay, and its key
 * is rotated. Afterwards, the typed key is in no storage, address or document.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { useBrowser, withBrowser } from '#test/support/console/browser.ts'
import { openConsole, type WatchedPage } from '#test/support/console/watched-page.ts'
import { type Followed, hosted, startFollowed } from '#test/support/feeds/followed.ts'
import { newCanary } from '#test/support/operations/canary.ts'

const VERDICT_MS = 40_000

withBrowser('A signed endpoint', () => {
  const browser = useBrowser()
  const canary = newCanary()
  const given = { count: 0, key: canary.password }
  let followed: Followed
  let open: WatchedPage
  beforeAll(async () => {
    followed = await startFollowed()
    followed.stranger.be(hosted({ signingKey: () => given.key, count: () => given.count }))
  })
  beforeEach(async () => {
    const { url, organization } = followed.mooring
    open = await openConsole(browser(), { url, key: organization.testKey })
  })
  afterEach(async () => {
    expect(open.wrongs()).toEqual([])
    await open.close()
  })
  afterAll(() => followed.stop())

  const only = async () => {
    const [one] = (await followed.mooring.client().datasources.list.query({})).items
    return one?.id ?? 'dse_'
  }
  /** Ignores the one request that sends the key, which the server seals. */
  const heldBut = async (procedure: string) =>
    (await open.sightingsOf(canary)).filter(({ where }) => where !== `POST /trpc/datasources.${procedure}`)

  it('is registered with its form and checked, and its key is nowhere in the page afterwards', async () => {
    const { page } = open
    await open.go('/register?kind=endpoint')
    await page.getByLabel('URL').fill('https://user:pw@api.acme.io/source')
    await page.locator('.field-about.wrong').waitFor()
    expect(await page.getByRole('button', { name: 'Register', exact: true }).isDisabled()).toBe(true)
    await page.getByLabel('URL').fill(followed.url('/source'))
    await page.getByLabel('Signing key').fill(canary.password)
    await page.getByLabel('Name').fill('Source')
    expect(await open.sightingsOf(canary)).toEqual([])
    await page.getByRole('button', { name: 'Register', exact: true }).click()
    await page.getByText('It is active: every check has passed.').waitFor({ timeout: VERDICT_MS })
    await page.locator('.check.pass', { hasText: 'The endpoint checks signatures' }).waitFor()
    expect(await heldBut('register')).toEqual([])
  })

  it('shows its events as they arrive, how late each was, and its text as the endpoint sent it', async () => {
    const id = await only()
    const { page } = open
    await open.go(`/datasources/${id}?tab=feed`)
    await page.getByText('No event yet').waitFor()
    given.count = 3
    await followed.run('poll', id)
    await page.getByText('The newest 3 events').waitFor()
    await page.getByRole('img', { name: /Time from when each event happened/ }).waitFor()
    await page.getByText('It is up to date.').waitFor()
    const newest = page.locator('.entry').first()
    await newest.locator('summary').click()
    await newest.getByText('"id":"e2"').waitFor()
    await page.getByText('As a table').click()
    expect(await page.locator('.chart-numbers tbody tr').count()).toBe(3)
  })

  it('says why its feed fails', async () => {
    followed.stranger.be(response => response.writeHead(500).end())
    await followed.run('poll', await only())
    await open.go(`/datasources/${await only()}?tab=feed`)
    await open.page.getByText('The last poll failed').waitFor()
    followed.stranger.be(hosted({ signingKey: () => given.key, count: () => given.count }))
  })

  it('accepts another signing key, which is nowhere in the page afterwards', async () => {
    given.key = `${canary.password}2`
    const id = await only()
    await open.go(`/datasources/${id}?tab=settings`)
    await open.page.getByLabel('New signing key').fill(given.key)
    await open.page.getByRole('button', { name: 'Rotate' }).click()
    await open.page.getByText('The key is stored').waitFor()
    expect(await heldBut('rotateKey')).toEqual([])
    await open.page.getByRole('tab', { name: 'Checks' }).click()
    await open.page.getByText('version 2').waitFor({ timeout: VERDICT_MS })
  })
})
