/**
 * The browser that all console tests share; each page has an isolated context of its own. Without an installed Chromium
 * the tests are skipped with a report; in CI they fail.
 */
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, inject } from 'vitest'

const url = inject('browserUrl')

/** A `describe` for tests that need a browser. */
export const withBrowser = describe.skipIf(url === null)

/** Returns the browser for the tests of this file. */
export function useBrowser(): () => Browser {
  const held: { browser?: Browser } = {}
  beforeAll(async () => {
    if (url !== null) held.browser = await chromium.connect(url)
  })
  afterAll(() => held.browser?.close())
  return () => {
    if (held.browser === undefined) throw new Error('no browser was started')
    return held.browser
  }
}
