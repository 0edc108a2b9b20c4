/**
 * Times key strokes in the search over a schema by the page's own clock: from each stroke until the frame with the
 * result is on the screen. Called by `run.ts`.
 */
import type { Page } from 'playwright-core'

const WORDS = ['7771', '4023', 'table_99', '12 label', '5678']
const BETWEEN_MS = 120
const AFTER_MS = 300

/** The number of strokes typed. A stroke whose result equals the previous one changes nothing and is not timed. */
export const MEANT = WORDS.join('').length

/** Returns the milliseconds of each stroke. */
export async function keyStrokes(page: Page): Promise<number[]> {
  const search = page.getByLabel('Search tables, columns and functions')
  await page.evaluate(watchStrokes)
  const strokes: number[] = []
  for (const word of WORDS) {
    await search.fill('')
    await page.waitForTimeout(AFTER_MS)
    await page.evaluate(() => void Reflect.get(window, 'taken').splice(0))
    await search.pressSequentially(word, { delay: BETWEEN_MS })
    await page.waitForTimeout(AFTER_MS)
    const taken: unknown[] = await page.evaluate(() => Reflect.get(window, 'taken'))
    strokes.push(...taken.map(Number))
  }
  return strokes
}

/** Runs in the page. The line below the search states the result; it is rendered together with the list. */
function watchStrokes(): void {
  const taken: number[] = []
  Reflect.set(window, 'taken', taken)
  const noted = (from: number) => {
    const behindFrame = new MessageChannel()
    behindFrame.port1.onmessage = () => taken.push(performance.now() - from)
    requestAnimationFrame(() => behindFrame.port2.postMessage(null))
  }
  let before: MutationObserver | null = null
  const began = () => {
    const from = performance.now()
    // A stroke with the same result as the previous one: the next change belongs to a later stroke.
    before?.disconnect()
    const found = new MutationObserver(() => {
      found.disconnect()
      noted(from)
    })
    before = found
    for (const part of document.querySelectorAll('.outline [role=status], .outline-room'))
      found.observe(part, { subtree: true, childList: true, characterData: true, attributes: true })
  }
  document.addEventListener('input', began, { capture: true })
}
