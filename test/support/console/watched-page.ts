/**
 * A page of the console in a real browser, with everything that it must never do noted: errors of its console, violations of its
 * policy, requests to another host; and everything that it sent and stored, to be searched for a secret.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { Canary, Sighting } from '#test/support/operations/canary.ts'
import { sightings } from '#test/support/operations/canary.ts'

/** How the page is opened. */
export interface Opening {
  readonly url: string
  /** The key of the session; without it the sign-in is shown. */
  readonly key?: string
  readonly theme?: 'light' | 'dark'
  readonly width?: number
}

/** A page that is watched. */
export interface WatchedPage {
  readonly page: Page
  readonly context: BrowserContext
  /** Goes to a page of the console, such as `/datasources`. */
  go(place: string): Promise<void>
  /** What the page must not have done. */
  wrongs(): readonly string[]
  /** Where a canary is: requests with their URLs, storage, addresses, and the document as it is now. */
  sightingsOf(canary: Canary): Promise<Sighting[]>
  close(): Promise<void>
}

/** Said by the browser of a connection that is cut on purpose, and of a call that is refused; a file that is not there is noted below. */
const SAID_BY_ITSELF = /ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|Failed to fetch|responded with a status of 4\d\d/

/** Opens one. The caller closes it. */
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

/** Notes from now on what is wrong, and what is sent. */
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

/** What the page holds: its storage, its address, its history's state and the document, properties of fields left out. */
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
