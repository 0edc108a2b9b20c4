/**
 * Each page in both themes: nothing that the accessibility rules call serious, nothing wider than a telephone, and, where
 * `MOORING_SCREENSHOTS` is set, its picture in `docs/console/`.
 */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { useBrowser, withBrowser } from '#test/support/console/browser.ts'
import { makeShop, type Shop } from '#test/support/console/shop.ts'
import { openConsole } from '#test/support/console/watched-page.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const PICTURES = fileURLToPath(new URL('../../docs/console/', import.meta.url))
const draws = process.env['MOORING_SCREENSHOTS'] !== undefined

interface Place {
  readonly name: string
  readonly address: (shop: Shop) => string
  /** What is there when the page is complete. */
  readonly whole: (page: Page) => Promise<void>
  readonly isSignedOut?: boolean
}

const text = (words: string | RegExp) => (page: Page) => page.getByText(words).first().waitFor()

const shown = (selector: string) => (page: Page) => page.locator(selector).first().waitFor()

/** Pages whose pictures the papers show. */
const PICTURED = ['sign-in', 'datasources', 'register', 'refused', 'timeline', 'schema', 'drift', 'overview']

const PLACES: readonly Place[] = [
  { name: 'sign-in', address: () => '/', whole: text('API key'), isSignedOut: true },
  { name: 'datasources', address: () => '/datasources', whole: text('Chandlery') },
  { name: 'register', address: () => '/register', whole: text('set role none') },
  { name: 'refused', address: shop => `/datasources/${shop.refused}`, whole: text('What to do') },
  { name: 'timeline', address: shop => `/datasources/${shop.active}?tab=timeline`, whole: text('Passed') },
  { name: 'schema', address: shop => `/datasources/${shop.active}?tab=schema`, whole: text('Constraints') },
  { name: 'drift', address: shop => `/datasources/${shop.active}?tab=drift`, whole: shown('.change') },
  { name: 'overview', address: () => '/overview', whole: text('Failures by reason') },
  { name: 'keys', address: () => '/organization?tab=keys', whole: text('Alive') },
  { name: 'capabilities', address: () => '/organization?tab=capabilities', whole: text('New capability') },
  { name: 'audit', address: () => '/organization?tab=audit', whole: text('key.created') },
  { name: 'usage', address: () => '/organization?tab=usage', whole: text('Between two checks') },
  {
    name: 'settings',
    address: shop => `/datasources/${shop.active}?tab=settings`,
    whole: text('Rotate the credential'),
  },
]

withBrowser('Each page', () => {
  const browser = useBrowser()
  let mooring: Mooring
  let shop: Shop
  beforeAll(async () => {
    mooring = await startMooring()
    shop = await makeShop(mooring)
    if (draws) await mkdir(PICTURES, { recursive: true })
  })
  afterAll(async () => {
    await mooring.stop()
    await shop.drop()
  })

  const cases = PLACES.flatMap(place =>
    (['light', 'dark'] as const).flatMap(theme => [1280, 360].map(width => [place.name, theme, width, place] as const)),
  )

  // biome-ignore lint/complexity/useMaxParams: vitest gives a row of the table as parameters
  it.each(cases)('%s, %s, %i wide', async (name, theme, width, place) => {
    const key = place.isSignedOut === true ? {} : { key: mooring.organization.testKey }
    const open = await openConsole(browser(), { url: mooring.url, theme, width, ...key })
    await open.go(place.address(shop))
    await place.whole(open.page)
    await open.page.evaluate(() => document.fonts.ready)
    if (draws && PICTURED.includes(name))
      await open.page.screenshot({ path: `${PICTURES}${name}-${theme}-${width}.png` })
    expect(await open.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    expect(await seriousIn(open.page)).toEqual([])
    expect(open.wrongs()).toEqual([])
    await open.close()
  })
})

/** What axe calls serious or worse, as `rule: element`. It is put in by the browser's protocol, past the page's policy. */
async function seriousIn(page: Page): Promise<string[]> {
  const { readFile } = await import('node:fs/promises')
  await page.evaluate(await readFile(AXE, 'utf8'))
  return page.evaluate(async () => {
    const run = Reflect.get(Reflect.get(globalThis, 'axe'), 'run')
    const { violations } = await run(document, { resultTypes: ['violations'] })
    return violations
      .filter((one: { impact: string }) => ['serious', 'critical'].includes(one.impact))
      .flatMap((one: { id: string; nodes: { html: string }[] }) =>
        one.nodes.map(node => `${one.id}: ${node.html.slice(0, 200)}`),
      )
  })
}
