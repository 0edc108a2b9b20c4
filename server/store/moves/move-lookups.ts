/**
 * Looks up the state of a move at either installation.
 * An operator's command calls it before it moves an organization.
 */
import { sql } from 'kysely'
import { SEEN_WITHIN_SECONDS } from '#server/store/installation/processes.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** The state of an organization's move, as one of the two installations stores it. */
export interface MoveState {
  readonly name: string
  readonly removedAt: Date | null
  readonly movingAt: Date | null
  readonly frozenAt: Date | null
  readonly arrivingAt: Date | null
  readonly movedAt: Date | null
  readonly moveId: string | null
}

/** Reads the state; undefined if the installation has no such organization. */
export function stateOf(db: Db, org: string): Promise<MoveState | undefined> {
  return db
    .selectFrom('organizations')
    .select(['name', 'removed_at as removedAt', 'moving_at as movingAt', 'frozen_at as frozenAt'])
    .select(['arriving_at as arrivingAt', 'moved_at as movedAt', 'move_id as moveId'])
    .where('id', '=', org)
    .executeTakeFirst()
}

/** At most two organizations that are in use or moving away: if there is exactly one, an operator need not name it. */
export async function candidates(db: Db): Promise<string[]> {
  const rows = await db
    .selectFrom('organizations')
    .select('id')
    .where('removed_at', 'is', null)
    .where('arriving_at', 'is', null)
    // An organization that has left but whose keys are still here has not completed its move.
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

/** Locks an organization's move until the session ends; false if another session holds the lock. */
export async function holdMove(session: Db, org: string): Promise<boolean> {
  const { rows } = await sql<{ taken: boolean }>`
    select pg_try_advisory_lock(hashtext('mooring move'), hashtext(${org})) as taken
  `.execute(session)
  return rows[0]?.taken === true
}

/** True while a process runs that does not ask before it writes, that is, one of an earlier release. */
export async function hasUnasking(db: Db): Promise<boolean> {
  const { rows } = await sql`
    select from processes
    where not asks_to_write and seen_at > clock_timestamp() - make_interval(secs => ${SEEN_WITHIN_SECONDS}) limit 1
  `.execute(db)
  return rows.length > 0
}
