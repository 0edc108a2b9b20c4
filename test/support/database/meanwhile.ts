/**
 * Two of our own transactions at once, for tests of single-statement writes: one holds rows, and the server reports
 * that the other one waits for them.
 */

import { newId } from '#server/domain/access/ids.ts'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Tx } from '#server/store/tables/tables.ts'
import * as claims from '#server/store/tasks/claims.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { unitOf } from '#test/support/database/unit.ts'
import type { Mooring } from '#test/support/mooring/mooring.ts'
import { query } from './postgres.ts'

/** The time of all events in these tests. */
export const NOW = new Date('2026-11-22T04:00:00Z')
/** This many seconds later. */
export const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000)

const WAITING = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`

/**
 * Begins `waiting` while `holding` has its locks, and commits those once it waits. Throws if it does not have to wait.
 */
export async function meanwhile<T>(
  { db, databaseUrl }: Mooring,
  {
    holding,
    besides,
    waiting,
  }: {
    holding: (tx: Tx) => Promise<unknown>
    waiting: () => Promise<T>
    /** The holder's remaining work while the other one waits. */
    besides?: (tx: Tx) => Promise<unknown>
  },
): Promise<T> {
  const { promise: held, resolve: isHeld } = Promise.withResolvers<void>()
  const { promise: seen, resolve: letGo } = Promise.withResolvers<void>()
  const holder = transaction(db, async tx => {
    await holding(tx)
    isHeld()
    await seen
    await besides?.(tx)
  })
  await Promise.race([held, holder])
  let isOver = false
  const result = waiting().finally(() => {
    isOver = true
  })
  while (!isOver && (await query(databaseUrl, WAITING)).length === 0);
  const wasKept = !isOver
  letGo()
  await holder
  const answer = await result
  if (!wasKept) throw new Error('it was not kept waiting')
  return answer
}

/** Makes a task of a kind due and claims it as a worker does. */
export async function claimed(
  { db, organization }: Mooring,
  { kind, id }: { kind: TaskKind; id: string },
): Promise<claims.Claim> {
  await tasks.request(unitOf(db, organization.id, NOW), { id: newId(), kind, datasourceId: id })
  const ask = { kinds: [kind], limit: 100, perOrganization: 100, held: [], leaseMs: 60_000, now: later(1) }
  const found = await claims.claim(db, { ...ask, priorities: ['asked', 'scheduled'] })
  const claim = found.find(one => one.datasourceId === id)
  if (claim === undefined) throw new Error('there is no task')
  return claim
}
