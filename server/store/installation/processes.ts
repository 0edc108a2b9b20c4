/**
 * The running processes: each writes its row every few seconds, timed by the database's clock. Readiness depends on
 * that write, since a read-only or full database still answers every reader. The rows belong to no organization.
 */
import { sql } from 'kysely'
import { deadlinesAreSet } from '#server/store/connection/deadlines.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Tier } from './grants.ts'

/** A process that has not written for this long is not ready, and other processes consider it gone. */
export const SEEN_WITHIN_SECONDS = 15
/** Rows of processes not seen for this long are deleted. */
export const GONE_SECONDS = 600
/** The number of rows deleted at once. */
const BATCH = 100

/** A process of a tier. */
export interface ProcessRow {
  readonly id: string
  readonly kind: Tier
  /** The version of its release. */
  readonly version: string
  /** The networks that it may dial, in canonical form. */
  readonly openNetworks: string
}

/** More rows than a statement may keep in memory, so that it needs disk space. */
const SPILLED_ROWS = 5_000

/**
 * Writes the running process's row. On a full disk an update in place still succeeds while a WAL segment has room,
 * although every registration fails: spilling to disk detects that and leaves nothing behind.
 */
export async function beat(db: Db, { id, kind, version, openNetworks }: ProcessRow): Promise<void> {
  await transaction(db, async tx => {
    await sql.raw(`set local work_mem = '64kB'`).execute(tx)
    await sql`select count(*) from generate_series(1, ${SPILLED_ROWS}::int)`.execute(tx)
    await sql`
      insert into processes (id, kind, version, asks_to_write, open_networks)
      values (${id}, ${kind}, ${version}, true, ${openNetworks})
      on conflict (id) do update set seen_at = clock_timestamp()
    `.execute(tx)
  })
}

/** The readiness of a process according to our own database. */
export interface ProcessReadiness {
  /** The process has written its row recently. */
  readonly isWritten: boolean
  /** Some worker has written its row recently. */
  readonly isWorkerSeen: boolean
  /** The deadlines of this session are no longer than ours. */
  readonly hasDeadlines: boolean
  /** The default partition holds rows outside all months: none were created for months, or a clock is far off. */
  readonly isOverflowing: boolean
  /** Running processes have different networks open: one accepts a registration that another refuses to dial. */
  readonly haveOtherNetworks: boolean
}

const lately = sql`seen_at > clock_timestamp() - make_interval(secs => ${SEEN_WITHIN_SECONDS})`
// A process of the last release does not report its networks.
const otherNetworks = sql`(select count(distinct open_networks) > 1 from processes where ${lately})`

/** Reads the readiness of a process. */
export async function standing(db: Db, id: string): Promise<ProcessReadiness> {
  const { rows } = await sql<ProcessReadiness>`
    select exists (select from processes where id = ${id} and ${lately}) as "isWritten",
      exists (select from processes where kind = 'worker' and ${lately}) as "isWorkerSeen",
      ${deadlinesAreSet()} as "hasDeadlines", exists (select from overflowing_months()) as "isOverflowing",
      ${otherNetworks} as "haveOtherNetworks"
  `.execute(db)
  return (
    rows[0] ?? {
      isWritten: false,
      isWorkerSeen: false,
      hasDeadlines: false,
      isOverflowing: false,
      haveOtherNetworks: false,
    }
  )
}

/** A process that has written its row within the last minutes. */
export interface SeenProcess {
  readonly kind: Tier
  readonly version: string
  readonly startedAt: Date
  readonly seenAt: Date
  /** It has written its row recently. */
  readonly isSeen: boolean
  /** Null for a process of an earlier release. */
  readonly openNetworks: string | null
}

/** More than anyone reads. */
const MAX_LISTED = 1_000

/**
 * The processes of the installation, including those that ended without removing their rows, until the rows are
 * deleted.
 */
export async function list(db: Db): Promise<SeenProcess[]> {
  const { rows } = await sql<SeenProcess>`
    select kind, version, started_at as "startedAt", seen_at as "seenAt", ${lately} as "isSeen", open_networks as "openNetworks"
    from processes order by kind, started_at limit ${MAX_LISTED}
  `.execute(db)
  return rows
}

/** True if running processes have different networks open. */
export async function haveOtherNetworks(db: Db): Promise<boolean> {
  const { rows } = await sql<{ differ: boolean }>`select ${otherNetworks} as differ`.execute(db)
  return rows[0]?.differ === true
}

/** Deletes the row of a process that is ending. */
export async function remove(db: Db, id: string): Promise<void> {
  await db.deleteFrom('processes').where('id', '=', id).execute()
}

/** Deletes a batch of rows of processes that vanished. Any process may call it, at any time. */
export async function removeGone(db: Db): Promise<void> {
  await sql`
    delete from processes where id in (
      select id from processes where seen_at < clock_timestamp() - make_interval(secs => ${GONE_SECONDS})
      order by seen_at limit ${BATCH} for update skip locked)
  `.execute(db)
}
