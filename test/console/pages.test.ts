/**
 * Each page in both themes has no serious violation of the accessibility rules and nothing wider than a phone; if
 * `MOORING_SCREENSHOTS` is set, its pictures are written to `docs/console/`.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useBrowser, withBrowser } from '#test/support/console/browser.ts'
import { PLACES, type Place } from '#test/support/console/places.ts'
import { makeShop, type Shop } from '#test/support/console/shop.ts'
import { openConsole, type WatchedPage } from '#test/support/console/watched-page.ts'
import { type Followed, startFollowed } from '#test/support/feeds/followed.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const PICTURES = fileURLToPath(new URL('../../docs/console/', import.meta.url))
const draws = process.env['MOORING_SCREENSHOTS'] !== undefined

const WIDE = 1280
const NARROW = 360

withBrowser('Each page', () => {
  const browser = useBrowser()
  let followed: Followed
  let shop: Shop
  beforeAll(async () => {
    followed = await startFollowed()
    shop = await makeShop(followed)
    if (draws) await mkdir(PICTURES, { recursive: true })
  })
  afterAll(async () => {
    await shop.drop()
    await followed.stop()
  })

  describe.each(['light', 'dark'] as const)('in the %s theme', theme => {
    let open: WatchedPage
    let signedOut: WatchedPage
    beforeAll(async () => {
      const { url, organization } = followed.mooring
      open = await openConsole(browser(), { url, theme, key: organization.testKey })
      signedOut = await openConsole(browser(), { url, theme })
    })
    afterAll(() => Promise.all([open.close(), signedOut.close()]))

    it.each(PLACES)('$name is accessible, and fits a phone', async (place: Place) => {
      const { page, go, wrongs } = place.isSignedOut === true ? signedOut : open
      await page.setViewportSize({ width: WIDE, height: 860 })
      await go(place.address(shop))
      await settled(page, place)
      await picture(page, place, `${theme}-${WIDE}`)
      expect(await seriousIn(page)).toEqual([])
      await page.setViewportSize({ width: NARROW, height: 860 })
      await settled(page, place)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(NARROW)
      await picture(page, place, `${theme}-${NARROW}`)
      expect(wrongs()).toEqual([])
    })
  })
})

/** Waits until the page is complete and drawn. */
async function settled(page: Page, place: Place): Promise<void> {
  await place.whole(page)
  await page.evaluate(async () => {
    await document.fonts.ready
    // One frame later, elements that a change of width has moved are in place.
    await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))
  })
}

async function picture(page: Page, { name, isPictured = false }: Place, which: string): Promise<void> {
  if (draws && isPictured) await page.screenshot({ path: `${PICTURES}${name}-${which}.png` })
}

/**
 * Returns violations that axe rates as serious or worse, as `rule: element`. Axe is injected through the browser's
 * protocol, which the page's policy does not restrict.
 */
async function seriousIn(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => Reflect.has(globalThis, 'axe')))) await page.evaluate(await readFile(AXE, 'utf8'))
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
