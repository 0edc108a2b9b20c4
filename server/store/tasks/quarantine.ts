/**
 * Tasks whose claims ran out twice. A worker runs each of them alone: at most one per organization and two in total,
 * whatever the number of workers. Other tasks are claimed in `claims.ts`.
 */
import { sql } from 'kysely'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { isAtHome, isQuarantined } from './claim-choice.ts'
import type { Claim } from './claims.ts'

/** A claim to be worked on alone. `ranOut` counts the expired claims of its task, those in quarantine included. */
export interface QuarantinedClaim extends Claim {
  readonly ranOut: number
}

/** A worker's request for a quarantined task. */
export interface QuarantineAsk {
  readonly kinds: readonly TaskKind[]
  readonly leaseMs: number
  readonly now: Date
}

/** The limit across all workers. */
export const MAX_QUARANTINED = 2
/** The advisory lock that serialises quarantine claims; a move also takes it, to wait for the claims in progress. */
export const QUARANTINE_LOCK = 7_203_114_865

/**
 * Claims one due quarantined task until `now + leaseMs`; undefined if there is none, or no capacity. It finds the
 * organization instead of taking it as a parameter.
 */
export async function claimQuarantined(db: Db, ask: QuarantineAsk): Promise<QuarantinedClaim | undefined> {
  const { now } = ask
  const until = new Date(now.getTime() + ask.leaseMs)
  const isDue = sql<boolean>`ran_out > 0 and due_at <= ${now} and (locked_until is null or locked_until < ${now})
    and kind = any(${[...ask.kinds]}) and ${isQuarantined} and ${isAtHome}`
  const { rows: found } = await sql`select from tasks where ran_out > 0 and ${isDue} limit 1`.execute(db)
  if (found.length === 0) return undefined
  return transaction(db, async tx => {
    const { rows: locks } = await sql<{
      taken: boolean
    }>`select pg_try_advisory_xact_lock(${QUARANTINE_LOCK}) as taken`.execute(tx)
    if (locks[0]?.taken !== true) return undefined
    const { rows } = await sql<QuarantinedClaim>`
      with busy as (select org_id from tasks where ran_out > 1 and locked_until >= ${now})
      update tasks set locked_until = ${until}, token = token + 1, attempts = attempts + 1,
        ran_out = ran_out + (locked_until is not null)::integer
      where (org_id, id) in (
        select org_id, id from tasks
        where ${isDue} and org_id not in (select org_id from busy) and (select count(*) from busy) < ${MAX_QUARANTINED}
        order by due_at limit 1 for update skip locked)
      returning org_id as "organizationId", id, kind, datasource_id as "datasourceId", standing, payload, attempts, requested,
        token, awaits, ran_out as "ranOut"
    `.execute(tx)
    return rows[0]
  })
}
