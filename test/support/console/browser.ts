/**
 * One browser for the console's tests of a file. Without an installed Chromium they are skipped with a report; in CI they fail.
 */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'
import { chromiumPath, startChromium } from '#test/support/http/chromium.ts'

const path = chromiumPath()

/** A `describe` of what needs a browser. */
export const withBrowser = describe.skipIf(path === null)

/** The browser of this file, started before its first test and closed after its last. */
export function useBrowser(): () => Browser {
  const held: { browser?: Browser } = {}
  beforeAll(async () => {
    if (path !== null) held.browser = await startChromium(path)
  })
  afterAll(() => held.browser?.close())
  return () => {
    if (held.browser === undefined) throw new Error('no browser was started')
    return held.browser
  }
}
