/**
 * Recognises the server that issued the numbers of changes. Another server, such as a restored dump, a copy or a
 * promoted standby, may issue the same numbers again: there the epochs of all organizations end, once, and subscribers
 * list again.
 *
 * For the same reason, the positions of feeds skip far beyond any issued number.
 *
 * It compares the server's system identifier, its WAL timeline, and the oids of the database and of the heads table. If
 * a role may not read the first two, they are skipped, and an operator must report a restore (`db restored`).
 */
import { sql } from 'kysely'
import { codeOf } from '#server/store/connection/availability.ts'
import { CLIENT_DEADLINE_MS } from '#server/store/connection/deadlines.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'

/** The identity of a server and database; null for a part that cannot be read. */
export interface Origin {
  readonly systemIdentifier: string | null
  readonly timeline: number | null
  readonly relation: string | null
}

/**
 * Errors of a function that is forbidden, missing or unsupported, as with some providers: insufficient_privilege,
 * undefined_function, and two more.
 */
const UNREADABLE: ReadonlySet<string> = new Set(['42501', '42883', '0A000', '55000'])

/** Reads the parts that are readable. Throws if the database is unavailable. */
export async function readOrigin(db: Db): Promise<Origin> {
  const system = await readable(
    sql<{ found: string }>`select system_identifier::text as found from pg_control_system()`.execute(db),
  )
  // The timeline of the WAL, not of the last checkpoint: a server that was just promoted has no checkpoint yet.
  const timeline =
    (await readable(
      sql<{ found: number }>`
        select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint as found`.execute(db),
    )) ??
    (await readable(
      sql<{ found: number }>`select timeline_id::bigint as found from pg_control_checkpoint()`.execute(db),
    ))
  const relation = await readable(
    sql<{ found: string }>`
      select d.oid || '/' || 'change_heads'::regclass::oid as found from pg_database d where d.datname = current_database()
    `.execute(db),
  )
  return { systemIdentifier: system, timeline, relation }
}

async function readable<T>(asked: Promise<{ rows: { found: T }[] }>): Promise<T | null> {
  try {
    return (await asked).rows[0]?.found ?? null
  } catch (error) {
    if (UNREADABLE.has(codeOf(error) ?? '')) return null
    throw error
  }
}

/** True if both parts that come from the server itself could be read. */
export function isReported({ systemIdentifier, timeline }: Origin): boolean {
  return systemIdentifier !== null && timeline !== null
}

/**
 * Compares the current server with the one that issued the numbers and, if they differ, ends all epochs, once,
 * whichever process comes first. Returns true if this call did so.
 */
export async function recogniseOrigin(db: Db, here: Origin): Promise<boolean> {
  const known = await db.selectFrom('installation').select(COLUMNS).executeTakeFirst()
  if (known !== undefined && !isOther(known, here) && !isLess(known, here)) return false
  const end = async (tx: Tx) => {
    const held = await lock(tx)
    if (!isOther(held, here)) {
      await write(tx, filled(held, here))
      return false
    }
    await write(tx, here)
    await endEpochs(tx)
    return true
  }
  // This updates a row of each organization, which takes longer than the deadline of a read.
  return withDeadline(CLIENT_DEADLINE_MS, () => transaction(db, end))
}

const COLUMNS = ['system_identifier as systemIdentifier', 'timeline', 'relation'] as const
const KEYS = ['systemIdentifier', 'timeline', 'relation'] as const

/** A part that one of the two could not read proves nothing: roles differ in what they may read. */
function isOther(known: Origin, here: Origin): boolean {
  return KEYS.some(key => known[key] !== null && here[key] !== null && known[key] !== here[key])
}

function isLess(known: Origin, here: Origin): boolean {
  return KEYS.some(key => known[key] === null && here[key] !== null)
}

function filled(known: Origin, here: Origin): Origin {
  return {
    systemIdentifier: known.systemIdentifier ?? here.systemIdentifier,
    timeline: known.timeline ?? here.timeline,
    relation: known.relation ?? here.relation,
  }
}

function lock(tx: Tx): Promise<Origin> {
  return tx.selectFrom('installation').select(COLUMNS).forUpdate().executeTakeFirstOrThrow()
}

async function write(tx: Tx, { systemIdentifier: system_identifier, timeline, relation }: Origin): Promise<void> {
  await tx.updateTable('installation').set({ system_identifier, timeline, relation }).execute()
}

/** Ends all epochs at the request of an operator who restored the database. Returns the number of organizations. */
export function restored(db: Db, here: Origin): Promise<number> {
  return transaction(db, async tx => {
    await lock(tx)
    await write(tx, here)
    return endEpochs(tx)
  })
}

/** More events than a feed stores between a backup and the loss of the data written after it. */
const SKIPPED = 1_000_000_000

/** Later than any epoch of an older copy, by the clock, and always greater than the previous epoch. */
async function endEpochs(tx: Tx): Promise<number> {
  // Feeds have no epochs. A reader who was ahead of the restored events finds new ones after its position.
  await sql`update feeds set position = position + ${SKIPPED}`.execute(tx)
  const ended = await sql`
    update change_heads set epoch = greatest(epoch + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
  `.execute(tx)
  return Number(ended.numAffectedRows ?? 0n)
}
