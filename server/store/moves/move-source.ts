/**
 * The source's side of a move: it raises the fence around an organization, waits for writes in progress, and finally
 * marks the organization as moved. Each step is a repeatable transaction of its own. An operator's command calls it.
 */
import { sql } from 'kysely'
import * as audit from '#server/store/access/audit.ts'
import { adopt, heads, unnumbered } from '#server/store/changes/change-reads.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { LOCKS } from '#server/store/tasks/claims.ts'
import { QUARANTINE_LOCK } from '#server/store/tasks/quarantine.ts'

/**
 * Raises the fence if it is not raised yet. No new work starts from now on; work in progress continues. Returns the
 * move's id.
 */
export async function begin(db: Db, org: string, moveId: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    update organizations set moving_at = coalesce(moving_at, clock_timestamp()),
      move_id = case when moving_at is null then ${moveId}::uuid else move_id end
    where id = ${org} and removed_at is null and arriving_at is null returning move_id as id
  `.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('The organization is not in use here.')
  return row.id
}

const WAIT_MS = 30_000

/**
 * Waits for every writer that asked before the fence was raised, including claims of tasks. Throws 55P03 after 30 s.
 */
export async function waitForWriters(db: Db, org: string): Promise<void> {
  await withDeadline(WAIT_MS + 5_000, () =>
    transaction(db, async tx => {
      await sql.raw(`set local lock_timeout = '${WAIT_MS}ms'; set local statement_timeout = '${WAIT_MS}ms'`).execute(tx)
      // Each claim holds one of these locks, and its statement skips organizations that are moving.
      for (const lock of [LOCKS.checks, LOCKS.polls, QUARANTINE_LOCK])
        await sql`select pg_advisory_xact_lock(${lock})`.execute(tx)
      await sql`select id from organizations where id = ${org} for update`.execute(tx)
    }),
  )
}

/**
 * Work that began before the fence was raised and has not ended: claimed tasks, and idempotency keys without an answer.
 */
export interface UnderWay {
  readonly tasks: number
  readonly answers: number
}

/**
 * Counts the work in progress. A request without an answer after `answersMs` no longer counts: its process has ended.
 */
export async function underWay(db: Db, org: string, answersMs: number): Promise<UnderWay> {
  const { rows } = await sql<UnderWay>`
    select
      (select count(*) from tasks where org_id = ${org} and locked_until > clock_timestamp()) as tasks,
      (select count(*) from idempotency_keys
        where org_id = ${org} and answer is null and answer_bytes is null
          and created_at > clock_timestamp() - make_interval(secs => ${answersMs / 1_000})) as answers
  `.execute(db)
  return rows[0] ?? { tasks: 0, answers: 0 }
}

/** Closes the fence: from now on nothing of the organization changes. */
export async function freeze(db: Db, org: string): Promise<void> {
  // A subscriber's position needs a head, and every change needs a number.
  await heads(db, [org])
  while ((await unnumbered(db, [org])).length > 0) await adopt(db, org)
  await sql`update organizations set frozen_at = coalesce(frozen_at, clock_timestamp()) where id = ${org}`.execute(db)
  await waitForWriters(db, org)
}

/** The epoch of the organization's changes, as decimal digits; null if it has no changes. */
export async function epochOf(db: Db, org: string): Promise<string | null> {
  const { rows } = await sql<{ epoch: string }>`
    select epoch::text as epoch from change_heads where org_id = ${org} for share
  `.execute(db)
  return rows[0]?.epoch ?? null
}

/**
 * Marks the organization as moved, for good unless `lift` is called before the target goes live. `epoch` is the copied
 * one: throws and changes nothing if all epochs have ended since, as on a restored server.
 */
export async function leave(
  db: Db,
  { org, epoch, moveId, event }: { org: string; moveId: string; epoch: string | null; event: audit.AuditRow },
): Promise<void> {
  await transaction(db, async tx => {
    if ((await epochOf(tx, org)) !== epoch)
      throw new Error('The database of the source was restored or promoted meanwhile: run this again.')
    const { rows } = await sql`
      update organizations set moved_at = clock_timestamp()
      where id = ${org} and move_id = ${moveId}::uuid and frozen_at is not null and moved_at is null returning id
    `.execute(tx)
    if (rows.length === 1) await audit.append({ org, tx, actor: event.actor, now: event.at }, event)
  })
}

/** Removes the fence. The caller guarantees that the target can never go live. */
export async function lift(db: Db, { org, event }: { org: string; event: audit.AuditRow }): Promise<void> {
  await transaction(db, async (tx: Tx) => {
    await sql`
      update organizations set moving_at = null, frozen_at = null, moved_at = null, move_id = null where id = ${org}
    `.execute(tx)
    await audit.append({ org, tx, actor: event.actor, now: event.at }, event)
  })
}
