/**
 * A hostile catalog is sent to a worker process while another tenant's checks and reads run: none of them waits for it,
 * the worker's memory stays constant, and every attack ends with an error about the catalog.
 *
 * Before, a column type of 128 KB froze every tenant of the worker for 20 s, and one of 3.8 MB for as long as the test
 * waited.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { type Impostor, startImpostor } from '#test/support/schemas/catalog-impostor.ts'
import { headRow, type RowChange, relationRows, schemaRow } from '#test/support/schemas/catalog-rows.ts'

/** The worker's own time, for which other tenants wait. */
const MAX_CPU_MS = 250

let tiers: Tiers
let customer: Customer
let impostor: Impostor
let web: TierProcess
let worker: TierProcess
type Tenant = Awaited<ReturnType<typeof registered>>
let hostile: Tenant
let honest: Tenant

beforeAll(async () => {
  tiers = await makeTiers()
  customer = await makeCustomer()
  impostor = await startImpostor(customer.port)
  ;[web, worker] = await Promise.all([tiers.start('web'), tiers.start('worker')])
  hostile = await registered(tiers.organization.testKey, impostor.port)
  const deps = { db: tiers.db, keyring: await tiers.keyring(), now: new Date() }
  const organizationId = await createOrganization(deps, 'Honest')
  const key = await createKeyAsOperator(deps, { organizationId, mode: 'test', name: null })
  honest = await registered(key, customer.port)
})
afterAll(async () => {
  await impostor?.stop()
  await tiers?.stop()
  await customer?.drop()
})

async function registered(key: string, port: number) {
  const client = await tiers.client(web, { key })
  const connectionString = customer.url('reader', { port, parameters: 'sslmode=disable' })
  const { id } = await client.datasources.register.mutate({ connectionString, waitSeconds: 20 })
  expect(await client.datasources.get.query({ id })).toMatchObject({ status: 'active' })
  return { client, id }
}

/** CPU milliseconds of a process's own threads (proc(5): ticks of 10 ms). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return 10 * (Number(fields[11]) + Number(fields[12]))
}

function residentMib(pid: number, which: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const [, kibibytes = '0'] = new RegExp(`${which}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) / 1024
}

const numbered = (count: number) => Array.from({ length: count }, (_, at) => at + 1)
function* catalog(changes: Iterable<RowChange>): Generator<string> {
  yield headRow()
  yield schemaRow('public')
  for (const change of changes) yield* relationRows(change)
}
const one = (change: RowChange) => () => catalog([change])
const table = (at: number, change: RowChange = {}): RowChange => ({
  ...change,
  relation: { id: `${at}`, name: `t${at}`, ...change.relation },
  columns: { id: `${at}`, ...change.columns },
})
function* tables(count: number, change: (at: number) => RowChange = () => ({})): Generator<RowChange> {
  for (let at = 1; at <= count; at += 1) yield table(at, change(at))
}
const wide = (prefix: string, count = 1_600) => ({
  columns: {
    numbers: numbered(count),
    names: numbered(count).map(at => `${prefix}${at}`),
    types: numbered(count).map(() => 'text'),
    flags: numbered(count).map(() => ''),
  },
})
const brackets = (bytes: number) => `${'[]'.repeat(bytes / 2)}x`

/** Reads the hostile catalog while the honest tenant works; returns the outcome and the honest tenant's waits. */
async function endure(rows: () => Iterable<string>) {
  impostor.answerCatalog(rows)
  const before = cpuMs(worker.pid)
  const attack = hostile.client.snapshots.introspect
    .mutate({ id: hostile.id })
    .then(found => ({ ended: found.changed ? 'kept' : 'same', bound: undefined }))
    .catch((error: { message: string; data?: { code?: string; issues?: { ctx?: object }[] }; shape?: unknown }) => ({
      ended: JSON.stringify(error.data ?? error.message),
      bound: undefined,
    }))
  const latencies: number[] = []
  let isOver = false
  void attack.finally(() => {
    isOver = true
  })
  while (!isOver || latencies.length < 3) {
    const startedAt = performance.now()
    await honest.client.datasources.verify.mutate({ id: honest.id, waitSeconds: 20 })
    latencies.push(performance.now() - startedAt)
  }
  const { ended } = await attack
  const checks = latencies.length
  const usedMs = cpuMs(worker.pid) - before
  return { ended, usedMs, checks, worst: Math.max(...latencies) }
}

describe('A hostile catalog', () => {
  it.each<[string, () => Iterable<string>, RegExp]>([
    ['a type of 128 KB', one({ columns: { types: [brackets(131_072)] } }), /maxTypeBytes/],
    ['a type of 3.8 MB', one({ columns: { types: [brackets(3_800_000)] } }), /maxTypeBytes/],
    ['a type of 3.8 MB for a domain', one({ domain: { type: brackets(3_800_000) } }), /maxTypeBytes/],
    ['an array of 1,900,000 dimensions', one({ columns: { types: [`x${'[]'.repeat(1_900_000)}`] } }), /maxTypeBytes/],
    ['a name of 3.8 MB', one({ relation: { name: 'x'.repeat(3_800_000) } }), /maxNameBytes/],
    ['a definition of 3.8 MB', one({ relation: { query: ' '.repeat(3_800_000) } }), /maxDefinitionBytes/],
    ['100,000 columns', one(wide('c', 100_000)), /maxColumns/],
    [
      'one column number twice',
      one({ columns: { ...wide('c').columns, numbers: numbered(1_600).fill(7) } }),
      /misbehaved/,
    ],
    ['arrays of 2,000,000 levels', () => [headRow(), '['.repeat(2_000_000)], /misbehaved/],
    ['20,001 relations', () => catalog(tables(20_001)), /maxRelations/],
    // On a busy machine the statement's ten seconds pass before this much has arrived.
    [
      '50 MB of comments',
      () => catalog(tables(6_700, () => ({ comments: { 0: 'x'.repeat(7_900) } }))),
      /introspection_failed/,
    ],
    ['32,000 columns, all new', () => catalog(tables(20, () => wide('a'))), /kept/],
    ['64,000 changes of drift', () => catalog(tables(20, () => wide('b'))), /kept/],
    ['20,000 relations', () => catalog(tables(20_000)), /kept/],
    [
      '20,000 others, each change of 60,000',
      () => catalog(tables(20_000, () => ({ columns: { names: ['z'] } }))),
      /kept/,
    ],
  ])('of %s delays no other tenant', async (title, rows, expected) => {
    const { ended, usedMs, checks, worst } = await endure(rows)
    const ownMs = usedMs / checks
    console.log(
      `${title}: ${ended.slice(0, 120)}; ${checks} checks of another tenant meanwhile, the slowest ${worst.toFixed(0)} ms; ` +
        `worker ${usedMs} ms of CPU in all, ${residentMib(worker.pid).toFixed(0)} MiB`,
    )
    expect(ended).toMatch(expected)
    // All of the worker's work meanwhile, including the honest tenant's checks.
    expect(ownMs).toBeLessThan(MAX_CPU_MS)
    expect(worst).toBeLessThan(10_000)
  })

  it('does not grow the worker’s memory', () => {
    console.log(
      `worker: ${residentMib(worker.pid).toFixed(0)} MiB, at most ${residentMib(worker.pid, 'VmHWM').toFixed(0)}`,
    )
    expect(residentMib(worker.pid, 'VmHWM')).toBeLessThan(384)
  })

  it('does not delay the shutdown of its worker', async () => {
    impostor.answerCatalog(one({ columns: { types: [brackets(3_800_000)] } }))
    // The outcome is lost with the worker: do not wait for it.
    const left = new AbortController()
    const asked = hostile.client.snapshots.introspect
      .mutate({ id: hostile.id }, { signal: left.signal })
      .catch(() => undefined)
    const startedAt = performance.now()
    await worker.end('SIGTERM')
    const tookMs = performance.now() - startedAt
    console.log(`the worker ended ${tookMs.toFixed(0)} ms after SIGTERM`)
    expect(tookMs).toBeLessThan(25_000)
    expect(worker.process.exitCode).toBe(0)
    left.abort()
    await asked
  })
})
