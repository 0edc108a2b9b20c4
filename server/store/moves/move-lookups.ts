/**
 * Look-ups that an operator's command makes at either installation before it moves an organization.
 */
import { sql } from 'kysely'
import { SEEN_WITHIN_SECONDS } from '#server/store/installation/processes.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** The state of an organization's move, as one of the two installations has it. */
export interface MoveState {
  readonly name: string
  readonly removedAt: Date | null
  readonly movingAt: Date | null
  readonly frozenAt: Date | null
  readonly arrivingAt: Date | null
  readonly movedAt: Date | null
  readonly moveId: string | null
}

/** Reads it; undefined where the installation has no such organization. */
export function stateOf(db: Db, org: string): Promise<MoveState | undefined> {
  return db
    .selectFrom('organizations')
    .select(['name', 'removed_at as removedAt', 'moving_at as movingAt', 'frozen_at as frozenAt'])
    .select(['arriving_at as arrivingAt', 'moved_at as movedAt', 'move_id as moveId'])
    .where('id', '=', org)
    .executeTakeFirst()
}

/** Organizations that are in use or move away, at most two: which one is meant where an operator names none. */
export async function candidates(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('organizations')
    .select('id')
    .where('removed_at', 'is', null)
    .where('arriving_at', 'is', null)
    // One that has left and whose keys are still here is not moved to its end.
    .where(eb =>
      eb.or([
        eb('moved_at', 'is', null),
        eb.exists(eb.selectFrom('organization_keys as k').select('k.id').whereRef('k.org_id', '=', 'organizations.id')),
      ]),
    )
    .limit(2)
    .execute()
  return rows.map(row => row.id)
}

/** Holds an organization's move for as long as the session lasts; false where another session does. */
export async function holdMove(session: Db, org: string): Promise<boolean> {
  const { rows } = await sql<{ taken: boolean }>`
    select pg_try_advisory_lock(hashtext('mooring move'), hashtext(${org})) as taken
  `.execute(session)
  return rows[0]?.taken === true
}

/** True while a process runs that does not ask before it writes: one of an earlier release. */
export async function hasUnasking(db: Db): Promise<boolean> {
  const { rows } = await sql`
    select from processes
    where not asks_to_write and seen_at > clock_timestamp() - make_interval(secs => ${SEEN_WITHIN_SECONDS}) limit 1
  `.execute(db)
  return rows.length > 0
}
