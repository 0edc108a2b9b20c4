/**
 * The cost of introspection: databases of 50, 1,000 and 10,000 tables × 10 columns, made in one run; our time ÷ the
 * time of the same catalog query through `pg`, memory and stored bytes, beside the libraries on the same databases,
 * each in its own process and stopped after a minute. Every reading connects again. A worker lives for weeks: the first
 * rounds, in which V8 still compiles, count for memory and not for time. `npm run bench:introspect`.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Measured } from '#test/bench/support/introspect-contender.ts'
import { query, startServer, type TestServer } from '#test/support/database/postgres.ts'

const run = promisify(execFile)
const CONTENDER = fileURLToPath(new URL('support/introspect-contender.ts', import.meta.url))
const MINUTE_MS = 60_000
const MIB = 1 << 20
const MAX_RATIO = 1.1
/** Of a look at an unchanged schema: of a whole reading, and its statement in counts of all columns. */
const [MAX_SHARE, MAX_COUNTS] = [0.1, 8]
const MAX_GROWTH_MIB = 200

/**
 * Sizes, the number of rounds for each, and the number of first rounds that do not count. Slow sizes have fewer; the
 * largest warms itself up within a round.
 */
const SIZES = [
  { tables: 50, warmUp: 15, rounds: 25 },
  { tables: 1_000, warmUp: 4, rounds: 11 },
  { tables: 10_000, warmUp: 0, rounds: 3 },
]

type Size = (typeof SIZES)[number]
const ONCE = { warmUp: 0, rounds: 1 }

/**
 * Ten columns with defaults, a key, a foreign key to the previous table, an index and a comment; read by a role that
 * owns nothing.
 */
const MAKE = `
create procedure make(tables integer) language plpgsql as $$ begin
  for i in 1..tables loop
    execute format('create table table_%1$s (id bigint generated always as identity primary key, count integer not null default 0,
      body text, label character varying(40) not null, amount numeric(12, 2), done boolean not null default false,
      at timestamp with time zone not null default now(), extra jsonb, owner uuid, parent bigint %2$s);
      create index on table_%1$s (label); comment on column table_%1$s.body is ''What was written''',
      i, case when i > 1 then format('references table_%s on delete cascade', i - 1) end);
    if i % 100 = 0 then commit; end if;
  end loop;
end $$`

async function makeDatabase(server: TestServer, tables: number): Promise<string> {
  const url = new URL(await server.createDatabase(`tables_${tables}`))
  await query(url.href, MAKE)
  await query(url.href, `call make(${tables})`)
  await query(url.href, 'drop procedure make; grant select on all tables in schema public to reader')
  await query(url.href, 'vacuum analyze')
  url.username = 'reader'
  url.password = 'reader'
  return url.href
}

async function measure(contender: string, url: string, of: Omit<Size, 'tables'>): Promise<Measured | null> {
  const { warmUp, rounds } = of
  try {
    const options = { timeout: MINUTE_MS, killSignal: 'SIGKILL' as const }
    const { stdout } = await run(process.execPath, [CONTENDER, contender, url, String(warmUp + rounds)], options)
    // Sound: our own code wrote it.
    const { timesMs, rawMs, ...measured } = JSON.parse(stdout) as Measured
    const counted = (times: readonly number[]) => times.slice(warmUp)
    const times = { timesMs: counted(timesMs), rawMs: counted(rawMs) }
    return { ...measured, ...times }
  } catch (error) {
    if (error instanceof Error && 'killed' in error && error.killed) return null
    throw error
  }
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

function line(name: string, measured: Measured | null): string {
  if (measured === null) return `  ${name.padEnd(20)} not done within a minute`
  const time = `${median(measured.timesMs).toFixed(0)} ms`.padStart(10)
  const growth = `${(measured.growthBytes / MIB).toFixed(0)} MiB`.padStart(9)
  return `  ${name.padEnd(20)} ${time} ${growth}   ${measured.note}`
}

/** A look that finds nothing changed, beside a whole reading; its statement, beside a count of all columns there. */
async function compareUnchanged(url: string, size: Size, wholeMs: number): Promise<boolean> {
  const measured = await measure('unchanged', url, { warmUp: 2, rounds: 9 })
  if (measured === null) return false
  const [look, count, digest] = [median(measured.timesMs), median(measured.rawMs), median(measured.digestMs ?? [])]
  const isMet = size.tables < 10_000 || (digest <= MAX_COUNTS * count && look <= MAX_SHARE * wholeMs)
  console.log(
    `  unchanged: a look ${look.toFixed(0)} ms ÷ a whole reading = ${(look / wholeMs).toFixed(2)}; its statement ` +
      `${digest.toFixed(1)} ms ÷ a count of all columns ${count.toFixed(1)} ms = ${(digest / count).toFixed(1)} ` +
      `(≤ ${MAX_SHARE}, ≤ ${MAX_COUNTS} at 10,000: ${isMet ? 'met' : 'MISSED'})`,
  )
  return isMet
}

async function compare(url: string, size: Size): Promise<boolean> {
  const { tables } = size
  console.log(`${tables} tables × 10 columns: median time, growth of resident memory`)
  const ratio = await measure('ratio', url, size)
  const ours = await measure('ours', url, size)
  const others = ['kysely', 'pg-introspection', 'extract-pg-schema'] as const
  console.log(line('ours', ours))
  let isFastest = true
  for (const name of others) {
    // This contender takes about 0.07 s a table: it runs one round.
    const measured = await measure(name, url, name === 'extract-pg-schema' ? ONCE : size)
    console.log(line(name, measured))
    if (measured !== null && ours !== null) isFastest &&= median(ours.timesMs) < median(measured.timesMs)
  }
  if (ratio === null || ours === null) return false
  // Against the query alone, the canonical form, its fingerprint and its compression count as our time; no library
  // makes them.
  const [raw, own] = [median(ratio.rawMs), median(ratio.timesMs)]
  const times = own / raw
  const isUnchangedMet = await compareUnchanged(url, size, own)
  const growthMib = ours.growthBytes / MIB
  console.log(
    `  ours with canonical form and fingerprint, compressed ÷ raw, alternating: ` +
      `${own.toFixed(0)} ms ÷ ${raw.toFixed(0)} ms = ${times.toFixed(2)}`,
  )
  const isMet = isUnchangedMet && isFastest && (tables < 1_000 || times <= MAX_RATIO) && growthMib <= MAX_GROWTH_MIB
  console.log(
    `  targets (≤ ${MAX_RATIO} × raw from 1,000 tables on, ≤ ${MAX_GROWTH_MIB} MiB, fastest): ${isMet ? 'met' : 'MISSED'}\n`,
  )
  return isMet
}

const server = await startServer({ settings: { autovacuum: 'off' } })
try {
  await server.query("create role reader login password 'reader'")
  const chosen = process.argv.slice(2).map(Number)
  for (const size of SIZES) {
    if (chosen.length > 0 && !chosen.includes(size.tables)) continue
    const url = await makeDatabase(server, size.tables)
    if (!(await compare(url, size))) process.exitCode = 1
  }
} finally {
  await server.stop()
}
