/**
 * The cost of a check for a worker apart from the dial: its loop runs over due checks, with a dialler that immediately
 * returns a recorded real answer. Called by `queue.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { WorkerDeps } from '#server/work/deps.ts'
import { Loop } from '#server/work/loop.ts'
import { taskHandlers } from '#server/work/task-handlers.ts'
import type { TestServer } from '#test/support/database/postgres.ts'
import { localTarget, testDialler } from '#test/support/dials/dialling.ts'
import { makeCredentials } from '#test/support/keys/many-credentials.ts'
import { benchWorker } from './bench-worker.ts'

const CHECKS = 1_500
const PASSWORD = 'Tr0ub4dor-and-3'

/** Milliseconds of this process's CPU for each check of an active database. */
export async function costOfChecks(cleanup: AsyncDisposableStack, server: TestServer): Promise<number> {
  const { ground, organizationId, clock } = await manyDatabases(cleanup, server)
  // The first checks use up the budgets of dials, which time restores; an active datasource has no budget.
  await everyCheck(ground, organizationId)
  clock.stands = true
  const before = process.cpuUsage()
  await everyCheck(ground, organizationId)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / CHECKS
}

/** Registers databases that are all the same one, for a worker whose dialler returns the answer of one real dial. */
async function manyDatabases(cleanup: AsyncDisposableStack, server: TestServer) {
  await server.query(`create role checked login password '${PASSWORD}'`)
  const target = localTarget(server.port, { tlsMode: 'disable', user: 'checked', password: PASSWORD })
  const real = testDialler({ children: 1 })
  cleanup.defer(() => real.close())
  await real.ready()
  const probed = await real.probe({ target, caCertificate: null, schema: 'public', deadlineMs: 10_000 })
  if (probed.failure !== null) throw new Error('the database was not found to be in order')
  const dialler = { ...real, probe: () => Promise.resolve(probed) }
  const worker = await benchWorker(cleanup, { url: await server.createDatabase('cost'), dialler })
  const { keyring, organizationId } = worker
  const credential = { kind: 'direct', target, caCertificate: null } as const
  await makeCredentials({ db: worker.deps.db, keyring, organizationId }, CHECKS, () => credential)
  const clock = { stands: false, ms: Date.now() }
  const now = () => {
    if (!clock.stands) clock.ms += 1_000
    return new Date(clock.ms)
  }
  const ground: WorkerDeps = { ...worker.deps, clock: now }
  return { ground, organizationId, clock }
}

/** Makes every check due, and runs a worker's loop until all are settled. */
async function everyCheck(ground: WorkerDeps, org: string): Promise<void> {
  const { db } = ground
  const now = ground.clock()
  await sql`
    insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at, requested)
    select org_id, id, 'verify', id, true, ${now}, ${now}, 0 from datasources where org_id = ${org}
    on conflict (org_id, datasource_id, kind) where standing do update set due_at = excluded.due_at
  `.execute(db)
  const { verify } = taskHandlers
  if (verify === undefined) throw new Error('nothing checks')
  const pace = { limit: 8, background: 8, perOrganization: { asked: 8, background: 8 }, cutsFirstTries: true }
  const loop = new Loop(ground, { verify }, pace)
  loop.start()
  for (;;) {
    const { rows } = await sql`
      select from tasks where org_id = ${org} and kind = 'verify' and (due_at <= ${now} or locked_until is not null) limit 1
    `.execute(db)
    if (rows.length === 0) break
    await delay(200)
  }
  await loop.stop(1_000)
  const { rows } = await sql`select from datasources where org_id = ${org} and status <> 'active' limit 1`.execute(db)
  if (rows.length > 0) throw new Error('not all are active')
}
