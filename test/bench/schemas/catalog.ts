/**
 * Rows of `npm run bench` for reading schemas: 1,000 and 10,000 tables beside the raw catalog query, 10,000 beside
 * Debian's `pg_dump --schema-only` on a server of its version, and a second look at 10,000 tables that have not
 * changed. `introspect.ts` compares more, and with the libraries.
 */
import { contend, createReader, makeLargeDatabase, type Rounds } from '#test/bench/support/large-schema.ts'
import { printResults } from '#test/bench/support/results.ts'
import { median, type Result } from '#test/bench/table/row.ts'
import { startServer } from '#test/support/database/postgres.ts'

/** A worker lives for weeks: the first rounds, in which V8 still compiles, do not count. */
const SMALL = { tables: 1_000, warmUp: 4, rounds: 7 }
/** Warms itself up within a round. */
const LARGE = { tables: 10_000, warmUp: 1, rounds: 5, minutes: 3 }
const LOOKS = { warmUp: 2, rounds: 9 }
/** `pg_dump` locks every table. */
const OF_PG_DUMP = { max_locks_per_transaction: '512' }

const atMost = (work: string, measured: { ours: number; limit: number; target: number }): Result => {
  return { work, ...measured, ratio: measured.ours / measured.limit, atMost: true, unit: 'ms' }
}

async function timesOf(contender: 'ratio' | 'beside-pg-dump' | 'unchanged', url: string, rounds: Rounds) {
  const measured = await contend(contender, url, rounds)
  if (measured === null) throw new Error(`${contender} was not done in time`)
  return { ...measured, ours: median(measured.timesMs), limit: median(measured.rawMs) }
}

/** A server of the newest version: the raw query, and an unchanged schema. */
async function besideTheQuery(): Promise<Result[]> {
  await using server = await serverOf({ major: 18 })
  const small = await timesOf('ratio', await makeLargeDatabase(server, SMALL.tables), SMALL)
  const url = await makeLargeDatabase(server, LARGE.tables)
  const large = await timesOf('ratio', url, LARGE)
  const look = await timesOf('unchanged', url, LOOKS)
  const unchanged = 'an unchanged schema of 10,000 tables looked at again'
  const statement = { ours: median(look.digestMs ?? []), limit: look.limit }
  const bytes = look.digestBytes ?? Number.NaN
  return [
    atMost('introspection of 1,000 tables, beside the raw query', { ...small, target: 1.1 }),
    atMost('introspection of 10,000 tables, beside the raw query', { ...large, target: 1.1 }),
    atMost(`${unchanged}, beside a whole reading`, { ours: look.ours, limit: large.ours, target: 0.1 }),
    atMost(`${unchanged}: its statement, beside a count of all columns`, { ...statement, target: 8 }),
    {
      ...{ work: `${unchanged}: bytes of the answer`, ours: bytes, limit: null, ratio: bytes },
      ...{ target: 1_024, atMost: true, unit: 'bytes' },
    },
  ]
}

async function besidePgDump(): Promise<Result[]> {
  await using server = await serverOf({ major: 15 })
  const both = await timesOf('beside-pg-dump', await makeLargeDatabase(server, LARGE.tables), LARGE)
  return [atMost('introspection of 10,000 tables, beside pg_dump --schema-only of 15', { ...both, target: 0.5 })]
}

async function serverOf({ major }: { major: 15 | 18 }) {
  const server = await startServer({ major, settings: { autovacuum: 'off', ...OF_PG_DUMP } })
  await createReader(server)
  return { ...server, [Symbol.asyncDispose]: () => server.stop() }
}

printResults([...(await besideTheQuery()), ...(await besidePgDump())])
