/**
 * Times key strokes of the search over a schema, by the page's own clock: from each stroke until the frame is on the screen that shows
 * what it found. Called by `run.ts`.
 */
import type { Page } from 'playwright-core'

const WORDS = ['7771', '4023', 'table_99', '12 label', '5678']
const BETWEEN_MS = 120
const AFTER_MS = 300

/** How many strokes are typed; one that finds the same as the one before it changes nothing, and is not timed. */
export const MEANT = WORDS.join('').length

/** Milliseconds of each stroke. */
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

/** Runs in the page. The line below the search says what was found; it is written together with the list. */
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
    // A stroke that found the same as the one before it: what the next one changes is not its doing.
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
