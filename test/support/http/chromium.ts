/**
 * A Chromium for tests, driven over its own protocol, and a bundle of the client as a platform's front end makes one.
 * Without an installed Chromium the tests that need it are skipped with a report; in CI they fail.
 */
import { accessSync, constants } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { rolldown } from 'rolldown'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
]

/** The path of Chromium: `CHROMIUM_PATH`, or the packages' path; null if there is none. Throws in CI. */
export function chromiumPath(): string | null {
  const given = process.env['CHROMIUM_PATH']
  const found = (given === undefined || given === '' ? PLACES : [given]).find(isExecutable)
  if (found !== undefined) return found
  const what = 'No Chromium: install one (Debian: apt-get install chromium) or name it in CHROMIUM_PATH.'
  if (process.env['CI'] === 'true') throw new Error(what)
  console.warn(`SKIPPED: what a browser sends is not looked at. ${what}`)
  return null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Starts a browser without a window. The caller closes it. */
export function startChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: argumentsOf() })
}

/** Starts a browser that several processes drive, each over its own connection. The caller closes it. */
export async function serveChromium(executablePath: string): Promise<{ url: string; close(): Promise<void> }> {
  const server = await chromium.launchServer({ executablePath, args: argumentsOf(), host: '127.0.0.1' })
  return { url: server.wsEndpoint(), close: () => server.close() }
}

function argumentsOf(): string[] {
  // As root, as in most containers, Chromium refuses its own sandbox; it opens only the test's own pages.
  const isRoot = process.getuid?.() === 0
  return ['--disable-dev-shm-usage', ...(isRoot ? ['--no-sandbox'] : [])]
}

/** Bundles a file under `test/` and all of its imports into one script for browsers. */
export async function bundleForBrowsers(file: string): Promise<string> {
  const input = fileURLToPath(new URL(`../../${file}`, import.meta.url))
  const define = { 'process.env.NODE_ENV': '"production"' }
  const bundle = await rolldown({ input, platform: 'browser', transform: { define }, logLevel: 'silent' })
  try {
    const { output } = await bundle.generate({ format: 'iife', codeSplitting: false })
    return output[0].code
  } finally {
    await bundle.close()
  }
}
