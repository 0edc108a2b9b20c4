/**
 * The list in a real browser: it changes without a reload when something happens elsewhere, recovers from a lost
 * connection, pages with the API's cursors, and shows a second organization nothing of the first.
 */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { useBrowser, withBrowser } from '#test/support/console/browser.ts'
import { openConsole, type WatchedPage } from '#test/support/console/watched-page.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

/** Withholds the server's answers to such requests from the page until they are released. */
async function holdAnswers(page: Page, url: RegExp) {
  const [first, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await page.route(url, async route => {
    const response = await route.fetch()
    first.resolve()
    await gone.promise
    await route.fulfill({ response })
  })
  const letGo = async () => {
    gone.resolve()
    await page.unrouteAll({ behavior: 'wait' })
  }
  return { first: first.promise, letGo }
}

withBrowser('The list of datasources', () => {
  const browser = useBrowser()
  let mooring: Mooring
  let customer: Customer
  let open: WatchedPage
  beforeAll(async () => {
    mooring = await startMooring()
    customer = await makeCustomer()
  })
  afterEach(async () => {
    expect(open.wrongs()).toEqual([])
    await open.close()
  })
  afterAll(async () => {
    await mooring.stop()
    await customer.drop()
  })

  const openFor = async (key: string): Promise<WatchedPage> => {
    open = await openConsole(browser(), { url: mooring.url, key })
    await open.go('/datasources')
    return open
  }
  const row = (name: string) => open.page.locator('tbody tr', { hasText: name })

  it('shows how to begin while it is empty, and then datasources that are registered and checked elsewhere', async () => {
    await openFor(mooring.organization.testKey)
    await open.page.getByText('No datasources yet').waitFor()
    const { datasources } = mooring.client()
    const { id } = await datasources.register.mutate({
      connectionString: customer.url(),
      name: 'Elsewhere',
      waitSeconds: 30,
    })
    await row('Elsewhere').getByText('Active').waitFor()
    await datasources.update.mutate({ id, name: 'Renamed' })
    await row('Renamed').waitFor()
    expect(await row('Elsewhere').count()).toBe(0)
  })

  it('says that the connection is lost, keeps its content, and catches up when it is back', async () => {
    await openFor(mooring.organization.testKey)
    await row('Renamed').waitFor()
    await open.context.setOffline(true)
    await open.page.getByText('Connection lost').waitFor()
    await row('Renamed').waitFor()
    const [one] = (await mooring.client().datasources.list.query({})).items
    await mooring.client().datasources.update.mutate({ id: one?.id ?? 'ds_', name: 'Meanwhile' })
    await open.context.setOffline(false)
    await row('Meanwhile').waitFor()
    expect(await open.page.getByText('Connection lost').count()).toBe(0)
  })

  it('is filtered and paged by its address', async () => {
    const { datasources } = mooring.client()
    for (let n = 0; n < 52; n += 1)
      await datasources.register.mutate({
        connectionString: customer.url(),
        name: `Page ${String(n).padStart(2, '0')}`,
      })
    await openFor(mooring.organization.testKey)
    await row('Page 51').waitFor()
    await open.page.getByRole('button', { name: 'Older' }).click()
    await row('Meanwhile').waitFor()
    await open.page.getByRole('button', { name: 'Newer' }).click()
    await row('Page 51').waitFor()
    await open.page.getByLabel('Search by name').fill('Page 1')
    await row('Page 19').waitFor()
    await expect.poll(() => open.page.locator('tbody tr').count()).toBe(10)
    expect(open.page.url()).toContain('q=')
    await open.page.reload()
    await row('Page 10').waitFor()
    await open.page.getByLabel('Search by name').fill('nothing begins so')
    await open.page.getByText('Nothing matches').waitFor()
  })

  it('shows a second organization nothing of the first, also by its address', async () => {
    const other = await mooring.newOrganization('Second')
    const [one] = (await mooring.client().datasources.list.query({ limit: 1 })).items
    await openFor(other.testKey)
    await open.page.getByText('No datasources yet').waitFor()
    await open.go(`/datasources/${one?.id}`)
    await open.page.getByText('Datasource not found').waitFor()
  })

  it('keeps showing a change when an older answer arrives after it', async () => {
    const { datasources } = mooring.client()
    const [one] = (await datasources.list.query({ limit: 1 })).items
    const [id, before] = [one?.id ?? 'dse_', one?.name ?? '']
    for (const place of ['/datasources', `/datasources/${id}`]) {
      open = await openConsole(browser(), { url: mooring.url, key: mooring.organization.testKey })
      const held = await holdAnswers(open.page, /datasources\.(list|get)/)
      const watched = open.page.waitForResponse(answer => answer.url().includes('/trpc/datasources.watch'))
      await open.go(place)
      await Promise.all([watched, held.first])
      const name = `Changed at ${place.length}`
      const changed = Promise.withResolvers<void>()
      const watching = datasources.watch.subscribe(undefined, { onData: () => changed.resolve() })
      await datasources.update.mutate({ id, name })
      await changed.promise
      // A list shows nothing before its first answer; a datasource is shown as soon as a change arrives.
      if (place !== '/datasources') await open.page.getByText(name).first().waitFor()
      watching.unsubscribe()
      await held.letGo()
      await open.page.getByText(name).first().waitFor()
      expect([await open.page.getByText(before, { exact: true }).count(), open.wrongs()]).toEqual([0, []])
      await open.close()
    }
  })
})
