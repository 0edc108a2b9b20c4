/**
 * The source's side of a move: the fence around an organization, what is waited for behind it, and what says afterwards that the
 * organization is elsewhere. Each step is a transaction of its own that can be done again. An operator's command calls it.
 */
import { sql } from 'kysely'
import * as audit from '#server/store/access/audit.ts'
import { adopt, heads, unnumbered } from '#server/store/changes/change-reads.ts'
import { withDeadline } from '#server/store/connection/statement-scope.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { LOCKS } from '#server/store/tasks/claims.ts'
import { QUARANTINE_LOCK } from '#server/store/tasks/quarantine.ts'

/** Raises the fence, or finds it raised. Nothing new is written from now on; what is under way goes on. Answers the move's id. */
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

/** Waits for everything that has asked before the fence was raised, claims of tasks among it. Throws 55P03 after 30 s. */
export async function waitForWriters(db: Db, org: string): Promise<void> {
  await withDeadline(WAIT_MS + 5_000, () =>
    transaction(db, async tx => {
      await sql.raw(`set local lock_timeout = '${WAIT_MS}ms'; set local statement_timeout = '${WAIT_MS}ms'`).execute(tx)
      // A claim holds one of these locks, and its statement skips organizations that move.
      for (const lock of [LOCKS.checks, LOCKS.polls, QUARANTINE_LOCK])
        await sql`select pg_advisory_xact_lock(${lock})`.execute(tx)
      await sql`select id from organizations where id = ${org} for update`.execute(tx)
    }),
  )
}

/** Work that began before the fence and has not ended: claims of tasks, and idempotency keys without an answer. */
export interface UnderWay {
  readonly tasks: number
  readonly answers: number
}

/** Counts it. An answer that did not come within `answersMs` is none that is under way: its process has ended. */
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

/** Closes the fence: from here on nothing of the organization changes. */
export async function freeze(db: Db, org: string): Promise<void> {
  // A subscriber's place needs a head, and every change its number.
  await heads(db, [org])
  while ((await unnumbered(db, [org])).length > 0) await adopt(db, org)
  await sql`update organizations set frozen_at = coalesce(frozen_at, clock_timestamp()) where id = ${org}`.execute(db)
  await waitForWriters(db, org)
}

/** The epoch of the organization's changes, as decimal digits; null for one without any. */
export async function epochOf(db: Db, org: string): Promise<string | null> {
  const { rows } = await sql<{ epoch: string }>`
    select epoch::text as epoch from change_heads where org_id = ${org} for share
  `.execute(db)
  return rows[0]?.epoch ?? null
}

/**
 * The organization is elsewhere from now on, for good unless `lift` is called before the target is in use. `epoch` is the one that was
 * copied: throws a sentence, and nothing is changed, where all epochs have ended since then, as on a server that was restored.
 */
export async function leave(
  db: Db,
  of: { org: string; moveId: string; epoch: string | null; event: audit.AuditRow },
): Promise<void> {
  await transaction(db, async tx => {
    if ((await epochOf(tx, of.org)) !== of.epoch)
      throw new Error('The database of the source was restored or promoted meanwhile: run this again.')
    const { rows } = await sql`
      update organizations set moved_at = clock_timestamp()
      where id = ${of.org} and move_id = ${of.moveId}::uuid and frozen_at is not null and moved_at is null returning id
    `.execute(tx)
    if (rows.length === 1) await audit.append(tx, of.org, of.event)
  })
}

/** Takes the fence away. The caller has made sure that the target can never be in use. */
export async function lift(db: Db, of: { org: string; event: audit.AuditRow }): Promise<void> {
  await transaction(db, async (tx: Tx) => {
    await sql`
      update organizations set moving_at = null, frozen_at = null, moved_at = null, move_id = null where id = ${of.org}
    `.execute(tx)
    await audit.append(tx, of.org, of.event)
  })
}
