/**
 * The cost of a check: the time of one verification of an active datasource, from claimed to settled with a warm
 * dialling process, ÷ the time of a bare `pg` connect and one role query, against the same server, in one run,
 * alternating, for plain TCP and for TLS; and the CPU of Node of both. `npm run bench:verify`.
 */

import pg from 'pg'
import { newId } from '#server/domain/access/ids.ts'
import * as claims from '#server/store/tasks/claims.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { handleVerify } from '#server/work/checks/verify.ts'
import { type BenchWorker, benchWorker } from '#test/bench/support/bench-worker.ts'
import { APP_PASSWORD, FORTY_TABLES } from '#test/bench/support/forty-tables.ts'
import { printResults } from '#test/bench/support/results.ts'
import { microsOf } from '#test/bench/table/cpu.ts'
import { median, type Result } from '#test/bench/table/row.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { localTarget, type TestDialler, testDialler } from '#test/support/dials/dialling.ts'
import { makeCredentials } from '#test/support/keys/many-credentials.ts'

const ROUNDS = 200
const WARM_UP = 100
const TARGETS = { disable: 1.8, require: 1.55 } as const
const CPU_TARGET = 1.8

type Mode = keyof typeof TARGETS

interface Measured {
  readonly port: number
  readonly mode: Mode
  readonly datasourceId: string
}

interface Used {
  readonly tookMs: number
  readonly cpuMs: number
}

/** The time of some work, and the CPU of this process and of the dialling process meanwhile. */
async function used(dialler: TestDialler, work: () => Promise<unknown>): Promise<Used> {
  const micros = () => [process.pid, ...dialler.pids()].reduce((sum, pid) => sum + microsOf(pid), 0)
  const [startedMs, before] = [performance.now(), micros()]
  await work()
  const tookMs = performance.now() - startedMs
  return { tookMs, cpuMs: (micros() - before) / 1000 }
}

/** Disconnects are not timed on either side: the answer has arrived before. */
async function bare(dialler: TestDialler, { port, mode }: Measured): Promise<Used> {
  const ssl = mode === 'require' ? { rejectUnauthorized: false } : false
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'app',
    database: 'postgres',
    password: APP_PASSWORD,
    ssl,
  })
  const took = await used(dialler, async () => {
    await client.connect()
    await client.query('select rolsuper, rolbypassrls from pg_catalog.pg_roles where rolname = current_user')
  })
  await client.end()
  return took
}

/** Claims the check of one datasource, and times it from there. The first one establishes that the database passes. */
async function verified(
  { deps, organizationId: org }: BenchWorker,
  dialler: TestDialler,
  { datasourceId }: Measured,
): Promise<Used> {
  const now = new Date()
  await tasks.request(unitOf(deps.db, org, now), { id: newId(), kind: 'verify', datasourceId })
  const ask = { kinds: ['verify'] as const, limit: 1, perOrganization: 1, held: [], leaseMs: 60_000, now }
  const [claim] = await claims.claim(deps.db, { ...ask, priorities: ['asked', 'scheduled'] })
  if (claim === undefined || !claims.isOfKind(claim, 'verify') || claim.datasourceId !== datasourceId)
    throw new Error('the check was not claimed')
  return used(dialler, () => handleVerify(deps, claim))
}

async function measure(worker: BenchWorker, dialler: TestDialler, measured: Measured): Promise<Result[]> {
  const { mode } = measured
  const rounds: { bare: Used; verified: Used }[] = []
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const plain = await bare(dialler, measured)
    const whole = await verified(worker, dialler, measured)
    if (round >= 0) rounds.push({ bare: plain, verified: whole })
  }
  const line = (what: 'tookMs' | 'cpuMs', target: number) => {
    const [ours, limit] = [median(rounds.map(one => one.verified[what])), median(rounds.map(one => one.bare[what]))]
    return { ours, limit, ratio: ours / limit, target, atMost: true as const }
  }
  const work = `check of a healthy database, ${mode === 'disable' ? 'plain' : 'TLS'}`
  return [
    { work: `${work}: latency`, ...line('tookMs', TARGETS[mode]), unit: 'ms' },
    { work: `${work}: CPU of node`, ...line('cpuMs', CPU_TARGET), unit: 'ms' },
  ]
}

/** Registers the database once for each mode, and returns the ids by mode. */
async function register({ deps, keyring, organizationId }: BenchWorker, port: number): Promise<Map<string, string>> {
  const modes = Object.keys(TARGETS) as Mode[] // the keys of TARGETS are modes
  const ground = { db: deps.db, keyring, organizationId }
  await makeCredentials(ground, modes.length, number => {
    const target = localTarget(port, { tlsMode: modes[number] ?? 'require', password: APP_PASSWORD })
    return { kind: 'direct', target, caCertificate: null }
  })
  const rows = await deps.db.selectFrom('datasources').select(['id', 'tls_mode']).execute()
  await deps.db.updateTable('datasources').set({ schema: 'app' }).execute()
  return new Map(rows.map(row => [row.tls_mode ?? '', row.id]))
}

await using cleanup = new AsyncDisposableStack()
const server = await startServer({ tls: await selfSigned({ addresses: ['127.0.0.1'] }) })
cleanup.defer(() => server.stop())
const dialler = testDialler({ children: 1 })
cleanup.defer(() => dialler.close())
await server.query(FORTY_TABLES)
const worker = await benchWorker(cleanup, { url: await server.createDatabase('mooring'), dialler })
const ids = await register(worker, server.port)
await dialler.ready()
const results: Result[] = []
for (const mode of ['disable', 'require'] as const)
  results.push(...(await measure(worker, dialler, { port: server.port, mode, datasourceId: ids.get(mode) ?? '' })))
const [{ n } = { n: 0 }] = await worker.deps.db
  .selectFrom('datasources')
  .select(eb => eb.fn.countAll<number>().as('n'))
  .where('status', '=', 'active')
  .execute()
if (n !== ids.size) throw new Error('the databases were not found to be in order')
printResults(results)
