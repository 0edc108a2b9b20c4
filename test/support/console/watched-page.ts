/**
 * A page of the console in a real browser that records everything that it must never do: console errors, violations of
 * its policy, requests to other hosts; and everything that it sent and stored, to be searched for a secret.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Canary, Sighting } from '#test/support/operations/canary.ts'
import { sightings } from '#test/support/operations/canary.ts'

/** The options for opening a page. */
export interface Opening {
  readonly url: string
  /** The key of the session; without one, the sign-in page is shown. */
  readonly key?: string
  readonly theme?: 'light' | 'dark'
  readonly width?: number
}

/** A page under observation. */
export interface WatchedPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Opens a page of the console, such as `/datasources`. */
  go(place: string): Promise<void>
  /** Returns everything that the page must not have done. */
  wrongs(): readonly string[]
  /** Returns the places where a canary is: requests with their URLs, storage, addresses, and the current document. */
  sightingsOf(canary: Canary): Promise<Sighting[]>
  close(): Promise<void>
}

/**
 * Messages that the browser prints about an intentionally cut connection or a refused call; missing files are recorded
 * separately.
 */
const SAID_BY_ITSELF = /ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|Failed to fetch|responded with a status of 4\d\d/

/** Opens a page. The caller closes it. */
export async function openConsole(browser: Browser, opening: Opening): Promise<WatchedPage> {
  const { url, key, theme = 'light', width = 1280 } = opening
  const context = await browser.newContext({
    viewport: { width, height: 860 },
    colorScheme: theme,
    reducedMotion: 'reduce',
  })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await context.newPage()
  const { wrongs, sent } = watch(page, url)
  if (key !== undefined) {
    const session = JSON.stringify({ key, ownKeyId: null })
    await page.addInitScript(text => sessionStorage.setItem('mooring.session', text), session)
  }
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', event =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    )
  })
  return {
    page,
    context,
    go: async place => void (await page.goto(`${url}/#${place}`)),
    wrongs: () => wrongs,
    sightingsOf: async canary => sightings(canary, [...sent, ...(await heldBy(page))]),
    close: () => context.close(),
  }
}

/** Starts to record mistakes, and everything that is sent. */
function watch(page: Page, url: string): { wrongs: string[]; sent: [string, string][] } {
  const wrongs: string[] = []
  const sent: [string, string][] = []
  page.on('console', line => {
    if (['error', 'warning'].includes(line.type()) && !SAID_BY_ITSELF.test(line.text()))
      wrongs.push(`console: ${line.text()}`)
  })
  page.on('pageerror', error => wrongs.push(`error: ${error.message}`))
  page.on('response', answer => {
    const isCall = new URL(answer.url()).pathname.startsWith('/trpc/')
    if (answer.status() >= 400 && !isCall) wrongs.push(`${answer.status()}: ${answer.url()}`)
  })
  page.on('request', request => {
    if (new URL(request.url()).origin !== new URL(url).origin && !request.url().startsWith('data:'))
      wrongs.push(`other host: ${request.url()}`)
    sent.push([
      `${request.method()} ${new URL(request.url()).pathname}`,
      `${request.url()}\n${request.postData() ?? ''}`,
    ])
  })
  return { wrongs, sent }
}

/**
 * Returns the content of the page: its storage, address, history state and document, without the properties of fields.
 */
async function heldBy(page: Page): Promise<[string, string][]> {
  const held = await page.evaluate(() => ({
    document: document.documentElement.outerHTML,
    sessionStorage: JSON.stringify({ ...sessionStorage }),
    localStorage: JSON.stringify({ ...localStorage }),
    address: location.href,
    state: JSON.stringify(history.state ?? null),
    cookie: document.cookie,
  }))
  return Object.entries(held)
}
