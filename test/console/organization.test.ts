/**
 * The organization's settings in a real browser: a key is created, shown once, used and revoked with its descendants; a
 * capability is minted; the record is filtered; the palette opens any page.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { useBrowser, withBrowser } from '#test/support/console/browser.ts'
import { openConsole, type WatchedPage } from '#test/support/console/watched-page.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

withBrowser('The organization', () => {
  const browser = useBrowser()
  let mooring: Mooring
  let open: WatchedPage
  beforeAll(async () => {
    mooring = await startMooring({ worker: false })
  })
  beforeEach(async () => {
    open = await openConsole(browser(), { url: mooring.url, key: mooring.organization.testKey })
  })
  afterEach(async () => {
    expect(open.wrongs()).toEqual([])
    await open.close()
  })
  afterAll(() => mooring.stop())

  const click = (name: string | RegExp) => open.page.getByRole('button', { name }).click()
  const token = () =>
    open.page
      .locator('.token')
      .textContent()
      .then(text => text ?? '')

  it('creates a key with chosen scopes, shows it once, and revokes it with the keys that it has created', async () => {
    await open.go('/organization')
    await click('New key')
    await open.page.getByLabel('Name', { exact: true }).fill('Robot')
    await open.page.getByLabel(/^datasources\.remove/).uncheck()
    await click('Create the key')
    const key = await token()
    const made = mooring.client(key)
    const { principal } = await made.organization.current.query()
    expect(principal.name).toBe('Robot')
    expect(principal.scopes).not.toContain('datasources.remove')
    await made.organization.mintCapability.mutate({ operations: ['datasources.read'], ttlSeconds: 600 })
    await click('Done')
    expect(await open.page.content()).not.toContain(key)

    const row = open.page.locator('tr', { hasText: 'Robot' })
    await row.getByRole('button', { name: 'Revoke…' }).click()
    await open.page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await open.page.getByText(/The key has made 0 living keys and 1 living capability/).waitFor()
    await open.page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await row.getByText('Revoked').waitFor()
    await expect(made.organization.current.query()).rejects.toThrow()
  })

  it('mints a capability with the chosen operations and lifetime', async () => {
    await open.go('/organization?tab=capabilities')
    await click('New capability')
    await open.page.getByLabel('Label').fill('Reader')
    await click('Mint the capability')
    const { principal } = await mooring.client(await token()).organization.current.query()
    expect(principal).toMatchObject({ kind: 'capability', scopes: ['datasources.read'] })
    await click('Done')
    await open.page.locator('tr', { hasText: 'Reader' }).getByText('Alive').waitFor()
  })

  it('filters the record by action', async () => {
    await open.go('/organization?tab=audit')
    await open.page.getByLabel('Action').fill('key.revoked')
    await expect.poll(() => open.page.locator('tbody tr').count()).toBe(1)
    await open.page.locator('tbody tr', { hasText: 'key.revoked' }).waitFor()
  })

  it('is reached from anywhere by the palette, without a mouse', async () => {
    await open.go('/datasources')
    await open.page.getByRole('heading', { name: 'Datasources' }).waitFor()
    await open.page.keyboard.press('Control+k')
    await open.page.getByPlaceholder('A page, a datasource, a theme').waitFor()
    await open.page.keyboard.type('limits')
    await open.page.getByRole('option', { name: /Limits and usage/ }).waitFor()
    await open.page.keyboard.press('Enter')
    await open.page.getByText('Between two checks').waitFor()
    await open.page.keyboard.press('Control+k')
    await open.page.getByPlaceholder('A page, a datasource, a theme').waitFor()
    await open.page.keyboard.type('dark')
    await expect.poll(() => open.page.getByRole('option').allTextContents()).toEqual(['Dark themetheme'])
    await open.page.keyboard.press('Enter')
    await expect.poll(() => open.page.locator('html').getAttribute('data-theme')).toBe('dark')
  })
})
