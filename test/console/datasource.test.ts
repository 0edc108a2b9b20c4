/**
 * One datasource in a real browser: its schema is searched and drawn, drift appears after a migration, leases are
 * listed, its credential is rotated, and it is removed after its name has been typed.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { useBrowser, withBrowser } from '#test/support/console/browser.ts'
import { openConsole, type WatchedPage } from '#test/support/console/watched-page.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { newCanary } from '#test/support/operations/canary.ts'

withBrowser('A datasource', () => {
  const browser = useBrowser()
  const canary = newCanary()
  let mooring: Mooring
  let customer: Customer
  let id: DatasourceId
  let open: WatchedPage
  beforeAll(async () => {
    mooring = await startMooring()
    customer = await makeCustomer(canary.password)
    const ask = { connectionString: customer.url(), name: 'Shop', waitSeconds: 30 }
    id = (await mooring.client().datasources.register.mutate(ask)).id
  })
  beforeEach(async () => {
    open = await openConsole(browser(), { url: mooring.url, key: mooring.organization.testKey })
  })
  afterEach(async () => {
    expect(open.wrongs()).toEqual([])
    await open.close()
  })
  afterAll(async () => {
    await mooring.stop()
    await customer.drop()
  })

  const tab = (name: string) => open.page.getByRole('tab', { name }).click()

  it('shows its schema, which is searched by tables and columns', async () => {
    await open.go(`/datasources/${id}`)
    await tab('Schema')
    await open.page.getByRole('button', { name: 'Read now' }).first().click()
    await open.page.getByRole('option', { name: 'orders' }).waitFor()
    await open.page.getByLabel('Search tables, columns and functions').fill('placed_at')
    await open.page.getByText('1 found').waitFor()
    await open.page.getByRole('cell', { name: 'placed_at' }).waitFor()
    await open.page.getByLabel('Search tables, columns and functions').fill('nothing of it')
    await open.page.getByText('0 found').waitFor()
  })

  it('shows what a migration changed, coloured by class, with reasons', async () => {
    await open.go(`/datasources/${id}?tab=schema`)
    await customer.sql('alter table app.orders drop column placed_at; alter table app.orders add column note text')
    await open.page.getByRole('button', { name: 'Read now' }).click()
    await open.page.getByRole('cell', { name: 'note' }).waitFor()
    await tab('Drift')
    await open.page.getByText('1 breaking', { exact: true }).waitFor()
    const removed = open.page.locator('.change', { hasText: 'app.orders.placed_at' })
    await removed.getByText('breaking').waitFor()
    await open.page.locator('.change', { hasText: 'app.orders.note' }).getByText('safe').waitFor()
    await open.page.getByRole('combobox', { name: 'Class' }).click()
    await open.page.getByRole('option', { name: 'Only breaking' }).click()
    expect(await open.page.locator('.change').count()).toBe(1)
  })

  it('is drawn as tables and foreign keys, and the keyboard alone opens a table with its neighbours', async () => {
    await customer.sql(`create table app.lines (id int primary key, order_id int not null references app.orders);
      create table app.apart (id int primary key); grant select on app.lines, app.apart to ${customer.roles.reader}`)
    await open.go(`/datasources/${id}?tab=diagram`)
    await open.page.getByRole('button', { name: 'Read now' }).click()
    await open.page.getByText('3 tables, 1 foreign key').waitFor()
    const table = (name: string) => open.page.locator('.react-flow__node', { hasText: name })
    await table('orders').waitFor()
    await open.page.locator('.react-flow__edge').first().waitFor({ state: 'attached' })
    await table('lines').focus()
    await open.page.keyboard.press('Enter')
    await open.page.getByText('2 tables, 1 foreign key').waitFor()
    expect(await table('apart').count()).toBe(0)
    await open.page.getByRole('button', { name: 'All tables of the schema' }).click()
    await table('apart').waitFor()
    await open.page.getByRole('combobox', { name: 'Table' }).fill('apa')
    await open.page.getByRole('option', { name: 'apart' }).click()
    await open.page.getByText('1 table, 0 foreign keys').waitFor()
  })

  it('names its foreign keys in a list as well, which leads from table to table', async () => {
    await open.go(`/datasources/${id}?tab=diagram`)
    await open.page.getByText('1 foreign key as a list').click()
    await open.page.getByRole('button', { name: 'app.orders', exact: true }).click()
    await open.page.getByText('2 tables, 1 foreign key').waitFor()
  })

  it('shows who held its credential, and how each lease ended', async () => {
    await open.go(`/datasources/${id}?tab=leases`)
    await open.page.getByText('Never leased').waitFor()
    const holder = mooring.client(await leaseCapability(mooring))
    const { publicKey } = await holderKey()
    const lease = async () => holder.datasources.lease.mutate({ id, publicKey })
    const { leaseId } = await lease()
    await lease()
    await holder.datasources.releaseLease.mutate({ leaseId })
    await open.page.reload()
    await open.page.locator('tbody tr', { hasText: 'Live' }).getByText('version 1').waitFor()
    await open.page.locator('tbody tr', { hasText: 'Released' }).waitFor()
  })

  it('shows its verifications as a chart and a list', async () => {
    await open.go(`/datasources/${id}?tab=timeline`)
    await open.page.getByRole('img', { name: /Time that each verification took/ }).waitFor()
    await open.page.locator('.entry summary').first().click()
    await open.page.locator('.entry[open] .check.pass').first().waitFor()
  })

  it('accepts another credential, sealed in the page, and says which version is in force', async () => {
    await customer.sql(`alter role ${customer.roles.reader} connection limit 50`)
    await open.go(`/datasources/${id}?tab=settings`)
    await open.page
      .getByLabel('postgresql://user:password@host/database')
      .fill(`${customer.url()}?application_name=two`)
    await open.page.getByRole('button', { name: 'Seal and rotate' }).click()
    await open.page.getByText('Version 2 is in force').waitFor()
    expect(await open.sightingsOf(canary)).toEqual([])
  })

  it('is removed only after its name has been typed', async () => {
    await open.go(`/datasources/${id}?tab=settings`)
    await open.page.getByRole('button', { name: 'Remove…' }).click()
    const dialog = open.page.getByRole('dialog')
    expect(await dialog.getByRole('button', { name: 'Remove it' }).isDisabled()).toBe(true)
    await dialog.getByRole('textbox').fill('Shop')
    await dialog.getByRole('button', { name: 'Remove it' }).click()
    await open.page.getByRole('heading', { name: 'Datasources' }).waitFor()
    expect((await mooring.client().datasources.list.query({})).items).toEqual([])
  })
})
