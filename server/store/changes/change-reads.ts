/**
 * Reads changes in number order: for a web process's feed, across all organizations with subscribers, and for a
 * subscriber that reconnects. Reports a gap after a position, so that no subscriber misses changes silently.
 */

import { sql } from 'kysely'
import type { ChangeKind } from '#server/store/database/changes.ts'
import { transaction } from '#server/store/database/db.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** A position in an organization's changes: the reader has seen everything up to number `n` of this epoch. */
export interface Position {
  /** Decimal digits. */
  readonly epoch: string
  readonly n: number
}

/** One change and its position. */
export interface ChangeRow extends Position {
  readonly organizationId: string
  readonly datasourceId: string
  readonly change: ChangeKind
}

/** An organization's changes after a position. */
export interface Since {
  readonly head: Position
  /**
   * False if the changes after the position are incomplete: a different epoch, a number never issued, or deleted rows.
   */
  readonly isWhole: boolean
  /** Oldest first. */
  readonly rows: readonly ChangeRow[]
}

interface ReadRow {
  readonly org: string
  readonly epoch: string
  readonly last: number
  readonly isWhole: boolean
  readonly n: number | null
  readonly datasourceId: string
  readonly change: ChangeKind
}

/**
 * A predicate over a position `s (epoch, n)` and a head `h`: row n + 1 exists, or no change has followed yet. Numbers
 * are dense.
 */
const IS_WHOLE = sql<boolean>`(h.epoch::text = s.epoch and (h.last = s.n or (h.last > s.n and exists (
  select from changes c where c.org_id = h.org_id and c.n = s.n + 1 and c.n > 0))))`

/**
 * The changes after the given positions of many organizations, in one read: at most `each` per organization and `limit`
 * in total. Organizations are served in the order of `places`; those without new changes are absent from the result.
 */
export async function newsOf(
  db: Db,
  places: ReadonlyMap<string, Position>,
  { each, limit }: { each: number; limit: number },
): Promise<Map<string, Since>> {
  const list = [...places.values()]
  const { rows } = await sql<ReadRow>`
    select h.org_id as org, h.epoch::text as epoch, h.last, ${IS_WHOLE} as "isWhole",
      c.n, c.datasource_id as "datasourceId", c.change
    from unnest(${[...places.keys()]}::uuid[], ${list.map(one => one.epoch)}::text[], ${list.map(one => one.n)}::bigint[])
      with ordinality as s (org, epoch, n, place)
    join change_heads h on h.org_id = s.org and (h.epoch::text <> s.epoch or h.last <> s.n)
    left join lateral (
      select c.n, c.datasource_id, c.change from changes c
      where c.org_id = s.org and c.n > s.n and c.n > 0 order by c.n limit ${each}) c on true
    order by s.place, c.n limit ${limit}
  `.execute(db)
  return grouped(rows)
}

/**
 * At most `limit` changes of one organization after a position, restricted to `datasourceIds` unless null. Null if the
 * organization has no head. `isWhole` covers all of the organization's numbers, since deleted changes may have
 * concerned these datasources.
 */
export async function since(
  db: Db,
  org: string,
  ask: { position: Position; datasourceIds: readonly string[] | null; limit: number },
): Promise<Since | null> {
  const { position, datasourceIds, limit } = ask
  const where = sql`c.org_id = ${org} and c.n > ${position.n} and c.n > 0`
  const rows =
    datasourceIds === null
      ? sql`select c.n, c.datasource_id, c.change from changes c where ${where} order by c.n limit ${limit}`
      : sql`select c.* from unnest(${[...new Set(datasourceIds)]}::uuid[]) as d (id) cross join lateral (
          select c.n, c.datasource_id, c.change from changes c
          where ${where} and c.datasource_id = d.id order by c.n limit ${limit}) c order by c.n limit ${limit}`
  const found = await sql<ReadRow>`
    select h.org_id as org, h.epoch::text as epoch, h.last, ${IS_WHOLE} as "isWhole",
      c.n, c.datasource_id as "datasourceId", c.change
    from change_heads h cross join (select ${position.epoch}::text as epoch, ${position.n}::bigint as n) s
    left join lateral (${rows}) c on true
    where h.org_id = ${org} order by c.n
  `.execute(db)
  return grouped(found.rows).get(org) ?? null
}

function grouped(rows: readonly ReadRow[]): Map<string, Since> {
  const found = new Map<string, Since & { rows: ChangeRow[] }>()
  for (const { org, epoch, last, isWhole, n, datasourceId, change } of rows) {
    const of = found.get(org) ?? { head: { epoch, n: last }, isWhole, rows: [] }
    found.set(org, of)
    if (n !== null) of.rows.push({ organizationId: org, epoch, n, datasourceId, change })
  }
  return found
}

/** The heads of organizations, that is, the position of the latest change. Creates a missing head. */
export async function heads(db: Db, orgs: readonly string[]): Promise<Map<string, Position>> {
  const read = async () => {
    const { rows } = await sql<{ org: string; epoch: string; last: number }>`
      select org_id as org, epoch::text as epoch, last from change_heads where org_id = any(${[...orgs]}::uuid[])
    `.execute(db)
    return new Map(rows.map(({ org, epoch, last }) => [org, { epoch, n: last }]))
  }
  const found = await read()
  const missing = orgs.filter(org => !found.has(org))
  if (missing.length === 0) return found
  await sql`
    insert into change_heads (org_id, epoch, last)
    select org, (extract(epoch from clock_timestamp()) * 1000)::bigint, 0 from unnest(${missing}::uuid[]) as m (org)
    where may_write(org, true)
    on conflict (org_id) do nothing
  `.execute(db)
  return read()
}

/** The number of rows that one transaction numbers. */
const ADOPTED_AT_ONCE = 500

/**
 * The organizations that have unnumbered changes, written by processes of the last release; `null` searches all
 * organizations.
 */
export async function unnumbered(db: Db, orgs: readonly string[] | null): Promise<string[]> {
  const { rows } = await sql<{ org: string }>`
    select distinct org_id as org from changes
    where n is null and (${orgs === null} or org_id = any(${[...(orgs ?? [])]}::uuid[])) limit 100
  `.execute(db)
  return rows.map(row => row.org)
}

/** Numbers the changes that processes of the last release wrote, in their order, after all numbered changes. */
export async function adopt(db: Db, org: string): Promise<void> {
  await transaction(db, async tx => {
    const { rows } = await sql<{
      may: boolean
    }>`select ${mayWrite({ organizationId: org, phase: 'ends' })} as may`.execute(tx)
    // The organization is moving: its changes were numbered before its rows were copied.
    if (rows[0]?.may !== true) return
    await heads(tx, [org])
    // A separate statement, so that its snapshot includes everything committed before the lock was granted.
    await sql`select from change_heads where org_id = ${org} for no key update`.execute(tx)
    const numbered = await sql`
      with found as (
        select c.id, row_number() over (order by c.xid, c.id) as place from (
          select id, xid from changes where org_id = ${org} and n is null order by xid, id limit ${ADOPTED_AT_ONCE}) c
      )
      update changes c set n = h.last + found.place from found, change_heads h
      where c.org_id = ${org} and c.id = found.id and c.n is null and h.org_id = ${org}
    `.execute(tx)
    await sql`update change_heads set last = last + ${numbered.numAffectedRows}::bigint where org_id = ${org}`.execute(
      tx,
    )
  })
}
