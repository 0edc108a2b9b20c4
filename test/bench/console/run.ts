/**
 * Measures the console in Chromium: the size of the first page, the time until a list of 1,000 datasources is usable,
 * and the time of a key stroke in the search over 10,000 tables, each by a browser's own clock. Fails above its limits.
 * Run by `npm run bench:console`.
 */
import { request } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { migrate } from '#server/store/installation/migrate.ts'
import { openConsole, type WatchedPage } from '#test/support/console/watched-page.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { chromiumPath, startChromium } from '#test/support/http/chromium.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { buildConsole, isBuilt } from '#test/support/packages/console-package.ts'
import { keyStrokes, MEANT } from './key-strokes.ts'

const DATASOURCES = 1_000
const TABLES = 10_000
const AT_ONCE = 8
const ROUNDS = 7
const FIRST_PAGE_BYTES = 200_000
const USABLE_MS = 1_000
const KEY_STROKE_MS = 50

const say = (text: string) => void process.stdout.write(`${text}\n`)
const wrong: string[] = []

await using cleanup = new AsyncDisposableStack()

/** Tables of ten columns, each with a key and a foreign key to the previous table. */
const MAKE = `
create procedure make(tables integer) language plpgsql as $$ begin
  for i in 1..tables loop
    execute format('create table app.table_%1$s (id bigint primary key, count integer not null default 0, body text,
      label character varying(40) not null, amount numeric(12, 2), done boolean not null default false,
      at timestamp with time zone not null default now(), extra jsonb, owner uuid, parent bigint %2$s)',
      i, case when i > 1 then format('references app.table_%s', i - 1) end);
    if i % 100 = 0 then commit; end if;
  end loop;
end $$`

async function build(): Promise<void> {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const folder = join(root, 'dist/mooring/console')
  if (!(await isBuilt(root, folder))) await buildConsole(root, folder)
}

async function startAll(): Promise<{ mooring: Mooring; customer: Customer; browser: Browser }> {
  const path = chromiumPath()
  if (path === null) throw new Error('there is no Chromium')
  const tls = await selfSigned({ names: ['localhost'], addresses: ['127.0.0.1'] })
  const settings = { max_connections: '200', max_locks_per_transaction: '512' }
  const [customers, registries] = await Promise.all([startServer({ tls, settings }), startServer({ settings })])
  cleanup.defer(() => Promise.all([customers.stop(), registries.stop()]).then(() => undefined))
  const databaseUrl = await registries.createDatabase('mooring')
  await migrate(databaseUrl)
  const mooring = await startMooring({ databaseUrl })
  cleanup.defer(() => mooring.stop())
  const customer = await makeCustomer(undefined, customers.adminUrl)
  const browser = await startChromium(path)
  cleanup.defer(() => browser.close())
  return { mooring, customer, browser }
}

/** Registers datasources. A worker checks 60 of them a minute, because more dials of one place have to wait. */
async function registerAll({ mooring, customer }: { mooring: Mooring; customer: Customer }): Promise<void> {
  const { datasources } = mooring.client()
  let next = 0
  const registerSome = async () => {
    for (let n = next++; n < DATASOURCES; n = next++) {
      const connectionString = customer.url('reader', { parameters: `application_name=shop_${n}` })
      await datasources.register.mutate({ connectionString, name: `Shop ${n}` })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, registerSome))
}

/** The size in bytes of a path's body, as sent to a browser that accepts only gzip. */
function gzippedBytes(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers: { 'accept-encoding': 'gzip' } }, answer => {
      let bytes = 0
      answer.on('data', (part: Buffer) => (bytes += part.length))
      answer.on('end', () => resolve(bytes))
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** Prints the size of everything that the first page loads after signing in, by kind. */
async function weigh(open: WatchedPage, url: string): Promise<void> {
  const asked = new Set<string>()
  open.page.on('response', answer => {
    const { pathname, origin } = new URL(answer.url())
    if (!pathname.startsWith('/trpc/')) asked.add(`${origin}${pathname}`)
  })
  await open.go('/datasources')
  await open.page.locator('tbody tr').first().waitFor()
  await open.page.waitForTimeout(1_000)
  const sizes = await Promise.all([...asked].map(async one => [one, await gzippedBytes(one)] as const))
  const sum = (fits: (path: string) => boolean) =>
    sizes.filter(([path]) => fits(path)).reduce((bytes, [, size]) => bytes + size, 0)
  const isFont = (path: string) => path.endsWith('.woff2')
  const whole = sum(() => true)
  say(
    `first page: ${kb(whole)} gzipped in ${sizes.length} files, fonts among them ${kb(sum(isFont))} (limit ${kb(FIRST_PAGE_BYTES)}); ${url}`,
  )
  if (whole > FIRST_PAGE_BYTES) wrong.push('the first page is too heavy')
}

const kb = (bytes: number) => `${(bytes / 1_000).toFixed(0)} KB`

/**
 * Milliseconds from the start of an uncached navigation until a page of rows is on the screen, by the page's own clock.
 */
async function usable(browser: Browser, mooring: Mooring): Promise<number> {
  const open = await openConsole(browser, { url: mooring.url, key: mooring.organization.testKey })
  try {
    await open.page.addInitScript(watchRows)
    await open.go('/datasources')
    await open.page.waitForFunction(() => Reflect.has(window, 'rowsAt'))
    // Usable means that a typed letter narrows the list.
    await open.page.getByLabel('Search by name').fill('Shop 77')
    await open.page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 11)
    return Number(await open.page.evaluate(() => Reflect.get(window, 'rowsAt')))
  } finally {
    await open.close()
  }
}

/** Runs in the page before its own scripts. */
function watchRows(): void {
  const look = () => {
    if (document.querySelectorAll('tbody tr').length < 50) return
    found.disconnect()
    // After the frame that shows them, once the page is idle.
    requestAnimationFrame(() => requestIdleCallback(() => Reflect.set(window, 'rowsAt', performance.now())))
  }
  const found = new MutationObserver(look)
  found.observe(document, { childList: true, subtree: true })
}

const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
const ms = (time: number) => `${time.toFixed(0)} ms`

await build()
const all = await startAll()
const { mooring, customer, browser } = all
await registerAll(all)
const first = await openConsole(browser, { url: mooring.url, key: mooring.organization.testKey })
await weigh(first, 'HTML, scripts, styles and fonts')
await first.close()

const times: number[] = []
for (let round = 0; round < ROUNDS; round += 1) times.push(await usable(browser, mooring))
say(
  `list of ${DATASOURCES} datasources, without a cache: usable after ${ms(median(times))} (${ms(Math.min(...times))} to ${ms(Math.max(...times))}; limit ${ms(USABLE_MS)})`,
)
if (median(times) > USABLE_MS) wrong.push('the list comes too late')

await customer.sql(MAKE)
await customer.sql(`call make(${TABLES})`)
await customer.sql(`grant select on all tables in schema app to ${customer.roles.reader}`)
// Uses another organization, because the first one has used up its dials of that server for this minute.
const { testKey: key } = await mooring.newOrganization('Large')
const { datasources, snapshots } = mooring.client(key)
const { id } = await datasources.register.mutate({
  ...{ connectionString: customer.url('reader', { parameters: 'application_name=large' }), name: 'Large' },
  ...{ schema: 'app', waitSeconds: 30 },
})
await snapshots.introspect.mutate({ id })
const open = await openConsole(browser, { url: mooring.url, key })
const from = performance.now()
await open.go(`/datasources/${id}?tab=schema`)
await open.page.getByRole('option').first().waitFor()
const shownAfter = performance.now() - from
const strokes = await keyStrokes(open.page)
const longest = Math.max(...strokes)
say(
  `schema of ${TABLES} tables × 10 columns: shown after ${ms(shownAfter)}; ${strokes.length} key strokes of its search, each until what it found is on the screen: median ${ms(median(strokes))}, longest ${ms(longest)} (limit ${ms(KEY_STROKE_MS)})`,
)
if (!(longest <= KEY_STROKE_MS)) wrong.push('a key stroke takes too long')
if (strokes.length < MEANT / 2) wrong.push('too few key strokes were measured')
for (const what of open.wrongs()) wrong.push(what)
await open.close()
if (wrong.length > 0) throw new Error(wrong.join('; '))
