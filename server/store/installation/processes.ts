/**
 * The processes that run: each writes its row every few seconds, by the database's clock. That it can is what its readiness
 * rests on, since a database that is read-only or full still answers every reader. Of no organization.
 */
import { sql } from 'kysely'
import { deadlinesAreSet } from '#server/store/connection/deadlines.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Tier } from './grants.ts'

/** A process that has written nothing for so long is not ready, and another one takes it for gone. */
export const SEEN_WITHIN_SECONDS = 15
/** Rows of processes that were not seen for so long are removed. */
export const GONE_SECONDS = 600
/** How many of them at a time. */
const BATCH = 100

/** A process of a tier. */
export interface ProcessRow {
  readonly id: string
  readonly kind: Tier
  /** Of the release. */
  readonly version: string
  /** The networks that are open to it, in one spelling. */
  readonly openNetworks: string
}

/** More than a statement may keep in memory, so that it needs room on the disk. */
const SPILLED_ROWS = 5_000

/**
 * Writes that the process runs now. A full disk takes an update in place for as long as it has a segment of its log, while
 * every registration fails: what spills over the memory of a statement finds that out, and leaves nothing behind.
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

/** The readiness of a process as our own database has it. */
export interface ProcessReadiness {
  /** The process has written its row lately. */
  readonly isWritten: boolean
  /** Some worker has written its row lately. */
  readonly isWorkerSeen: boolean
  /** The deadlines of this session are at most ours. */
  readonly hasDeadlines: boolean
  /** Rows that no month takes are kept in a default partition: none was made for months, or a clock is far off. */
  readonly isOverflowing: boolean
  /** Processes that run have different networks open: what one lets be registered another one refuses to dial. */
  readonly haveOtherNetworks: boolean
}

const lately = sql`seen_at > clock_timestamp() - make_interval(secs => ${SEEN_WITHIN_SECONDS})`
// One of the last release has not said which it has.
const otherNetworks = sql`(select count(distinct open_networks) > 1 from processes where ${lately})`

/** Reads it. */
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
  /** It has written its row lately. */
  readonly isSeen: boolean
  /** Null for a process of an earlier release. */
  readonly openNetworks: string | null
}

/** More than anybody looks at. */
const MAX_LISTED = 1_000

/** The processes of the installation, also those that have ended without a word, until their rows are removed. */
export async function list(db: Db): Promise<SeenProcess[]> {
  const { rows } = await sql<SeenProcess>`
    select kind, version, started_at as "startedAt", seen_at as "seenAt", ${lately} as "isSeen", open_networks as "openNetworks"
    from processes order by kind, started_at limit ${MAX_LISTED}
  `.execute(db)
  return rows
}

/** Whether processes that run have different networks open. */
export async function haveOtherNetworks(db: Db): Promise<boolean> {
  const { rows } = await sql<{ differ: boolean }>`select ${otherNetworks} as differ`.execute(db)
  return rows[0]?.differ === true
}

/** Removes the row of a process that ends. */
export async function remove(db: Db, id: string): Promise<void> {
  await db.deleteFrom('processes').where('id', '=', id).execute()
}

/** Removes a batch of rows of processes that ended without a word. Any process may call it, at any time. */
export async function removeGone(db: Db): Promise<void> {
  await sql`
    delete from processes where id in (
      select id from processes where seen_at < clock_timestamp() - make_interval(secs => ${GONE_SECONDS})
      order by seen_at limit ${BATCH} for update skip locked)
  `.execute(db)
}
