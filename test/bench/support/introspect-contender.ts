/**
 * One contender of the introspection benchmark in its own process, so that its memory is measured alone and it can be
 * stopped: reads a database repeatedly, then reports its times and its memory growth.
 *
 * Started by `introspect.ts`: contender, connection string, rounds. Prints one line of JSON.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { extractSchemas } from 'extract-pg-schema'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { makeIntrospectionQuery, parseIntrospectionResults } from 'pg-introspection'
import { catalogSql } from '#server/net/catalog/catalog.ts'
import type { FinishedSnapshot } from '#server/net/catalog/finish-catalog.ts'
import { DIGEST_SQL } from '#server/net/catalog/sql/catalog-sql-digest.ts'
import { DIALLING_MEMORY_MIB } from '#server/net/process/dialler.ts'
import { localTarget, testDialler } from '#test/support/dials/dialling.ts'

/** The report of a contender. Times are of each round. */
export interface Measured {
  readonly timesMs: readonly number[]
  /** The times of the raw query, alternating with our reading; of a count of all columns, where nothing has changed. */
  readonly rawMs: readonly number[]
  /** Of the digest's statement alone: its times, and the bytes that the server answers. */
  readonly digestMs?: readonly number[]
  readonly digestBytes?: number
  /** Growth of resident memory, at its peak: for our reading, the worker and the dialling process together. */
  readonly growthBytes: number
  readonly note: string
}

/** Debian's, which reads servers of its own version. */
const PG_DUMP = '/usr/lib/postgresql/15/bin/pg_dump'

const REQUEST = { schemas: null, excludedSchemas: [] }
const MIB = 1 << 20

async function raw(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`begin read only; ${catalogSql(REQUEST)}; commit`)
  await client.end()
}

async function pgDump(url: string): Promise<void> {
  await promisify(execFile)(PG_DUMP, ['--schema-only', '--file=/dev/null', url])
}

async function kysely(url: string): Promise<string> {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1 }) }),
  })
  const tables = await db.introspection.getTables()
  await db.destroy()
  return `${tables.length} tables`
}

async function pgIntrospection(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ introspection: string }>(makeIntrospectionQuery())
  await client.end()
  const text = rows[0]?.introspection ?? ''
  const found = parseIntrospectionResults(text, true)
  return `${found.classes.length} classes, ${(text.length / MIB).toFixed(1)} MiB of JSON`
}

async function extractPgSchema(url: string): Promise<string> {
  const schemas = await extractSchemas({ connectionString: url }, { schemas: ['public'] })
  return `${schemas['public']?.tables.length} tables`
}

/** Our reading as the worker does it: through a dialling process and its gate, to a snapshot with its fingerprint. */
function ours(url: string) {
  const { port, username: user, password, pathname } = new URL(url)
  const target = localTarget(Number(port), { user, password, database: pathname.slice(1), tlsMode: 'disable' })
  const dialler = testDialler({ memoryMiB: DIALLING_MEMORY_MIB })
  return {
    ready: () => dialler.ready(),
    close: () => dialler.close(),
    /** The peak memory of the dialling process. */
    peakBytes: () =>
      Math.max(
        ...dialler.pids().map(pid => {
          const [, kibibytes = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
          return Number(kibibytes) * 1024
        }),
      ),
    /** Whether it found the digest unchanged, and the one that it found; null as `digest` reads everything. */
    async look(digest: string | null): Promise<string | null> {
      const asked = { target, caCertificate: null, catalog: REQUEST, deadlineMs: 55_000, digest }
      const { finding } = await dialler.describe(asked)
      if (finding === null || 'fault' in finding) throw new Error(JSON.stringify(finding))
      return 'unchanged' in finding ? null : finding.digest
    },
    async read(): Promise<FinishedSnapshot> {
      const described = await dialler.describe({ target, caCertificate: null, catalog: REQUEST, deadlineMs: 55_000 })
      if (described.finding === null || !('snapshot' in described.finding)) throw new Error(JSON.stringify(described))
      return described.finding.snapshot
    },
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now()
  await work()
  return performance.now() - startedAtMs
}

async function measureOurs(
  url: string,
  rounds: number,
  raw: ((url: string) => Promise<unknown>) | null,
): Promise<Measured> {
  const reading = ours(url)
  await reading.ready()
  const before = process.memoryUsage.rss()
  const diallerBefore = reading.peakBytes()
  const grown = () => {
    const dialler = reading.peakBytes() - diallerBefore
    return { both: process.resourceUsage().maxRSS * 1024 - before + dialler, dialler }
  }
  const timesMs: number[] = []
  const rawMs: number[] = []
  const growth: { both: number; dialler: number }[] = []
  let stored = 0
  for (let round = 0; round < rounds; round++) {
    if (raw !== null) rawMs.push(await timed(() => raw(url)))
    timesMs.push(await timed(async () => (stored = (await reading.read()).content.length)))
    growth.push(grown())
  }
  await reading.close()
  const [first = grown(), last = first] = [growth[0], growth.at(-1)]
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(0)} MiB`
  const memory = `${mib(first.dialler)} of it in the dialling process; ${mib(last.both)} after ${rounds} readings`
  const note = `${stored} bytes stored; ${memory}`
  return { timesMs, rawMs, growthBytes: first.both, note }
}

/** Looks at a schema that has not changed, alternating with a count of all columns there. */
async function measureUnchanged(url: string, rounds: number): Promise<Measured> {
  const reading = ours(url)
  await reading.ready()
  const digest = await reading.look(null)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('set jit = off; set max_parallel_workers_per_gather = 0')
  let digestBytes = 0
  const count = (chunk: Buffer) => {
    digestBytes += chunk.length
  }
  client.connection.stream.on('data', count)
  await client.query(DIGEST_SQL)
  client.connection.stream.off('data', count)
  const [timesMs, rawMs, digestMs]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    rawMs.push(await timed(() => client.query('select count(*) from pg_catalog.pg_attribute')))
    digestMs.push(await timed(() => client.query(DIGEST_SQL)))
    const look = async () => {
      if ((await reading.look(digest)) !== null) throw new Error('the digest changed')
    }
    timesMs.push(await timed(look))
  }
  await client.end()
  await reading.close()
  return { timesMs, rawMs, digestMs, digestBytes, growthBytes: 0, note: '' }
}

async function measure(read: (url: string) => Promise<string>, url: string, rounds: number): Promise<Measured> {
  const before = process.memoryUsage.rss()
  const timesMs: number[] = []
  let note = ''
  for (let round = 0; round < rounds; round++) timesMs.push(await timed(async () => (note = await read(url))))
  return { timesMs, rawMs: [], growthBytes: process.resourceUsage().maxRSS * 1024 - before, note }
}

const [contender, url = '', rounds = '1'] = process.argv.slice(2)
const contenders = {
  ratio: () => measureOurs(url, Number(rounds), raw),
  'beside-pg-dump': () => measureOurs(url, Number(rounds), pgDump),
  ours: () => measureOurs(url, Number(rounds), null),
  unchanged: () => measureUnchanged(url, Number(rounds)),
  kysely: () => measure(kysely, url, Number(rounds)),
  'pg-introspection': () => measure(pgIntrospection, url, Number(rounds)),
  'extract-pg-schema': () => measure(extractPgSchema, url, Number(rounds)),
} satisfies Record<string, () => Promise<Measured>>

/** The name of a contender. */
export type Contender = keyof typeof contenders

console.log(JSON.stringify(await contenders[contender as Contender]())) // our own caller chose the name
