/**
 * The cost of introspection: databases of 50, 1,000 and 10,000 tables × 10 columns, made in one run; our time ÷ the
 * time of the same catalog query through `pg`, memory and stored bytes, beside the libraries on the same databases,
 * each in its own process and stopped after a minute. Every reading connects again. A worker lives for weeks: the first
 * rounds, in which V8 still compiles, count for memory and not for time. `npm run bench:introspect`.
 */
import type { Measured } from '#test/bench/support/introspect-contender.ts'
import { contend, createReader, makeLargeDatabase } from '#test/bench/support/large-schema.ts'
import { median } from '#test/bench/table/row.ts'
import { startServer } from '#test/support/database/postgres.ts'

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

function line(name: string, measured: Measured | null): string {
  if (measured === null) return `  ${name.padEnd(20)} not done within a minute`
  const time = `${median(measured.timesMs).toFixed(0)} ms`.padStart(10)
  const growth = `${(measured.growthBytes / MIB).toFixed(0)} MiB`.padStart(9)
  return `  ${name.padEnd(20)} ${time} ${growth}   ${measured.note}`
}

/** A look that finds nothing changed, beside a whole reading; its statement, beside a count of all columns there. */
async function compareUnchanged(url: string, size: Size, wholeMs: number): Promise<boolean> {
  const measured = await contend('unchanged', url, { warmUp: 2, rounds: 9 })
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
  const ratio = await contend('ratio', url, size)
  const ours = await contend('ours', url, size)
  const others = ['kysely', 'pg-introspection', 'extract-pg-schema'] as const
  console.log(line('ours', ours))
  let isFastest = true
  for (const name of others) {
    // This contender takes about 0.07 s a table: it runs one round.
    const measured = await contend(name, url, name === 'extract-pg-schema' ? ONCE : size)
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
  await createReader(server)
  const chosen = process.argv.slice(2).map(Number)
  for (const size of SIZES) {
    if (chosen.length > 0 && !chosen.includes(size.tables)) continue
    const url = await makeLargeDatabase(server, size.tables)
    if (!(await compare(url, size))) process.exitCode = 1
  }
} finally {
  await server.stop()
}
