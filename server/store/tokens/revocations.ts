/**
 * Revocations, as rows that no tier can change or delete: a revoked key or capability never comes back. Processes of
 * the last release instead read and write `revoked_at` in the row of the key or capability: this release writes both,
 * and either counts.
 */

import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** The kinds of revocable objects. */
export type Revocable = 'key' | 'capability'

/** The revocation time of the row with this alias; null if it is not revoked. */
export function revokedAt(kind: Revocable, alias: string): RawBuilder<Date | null> {
  return sql<Date | null>`coalesce(${revocationOf(kind, alias, 'at')}, ${sql.ref(`${alias}.revoked_at`)})`
}

/** True if a revoked key's children were meant to outlive it. */
export function keepsChildren(alias: string): RawBuilder<boolean> {
  return sql<boolean>`coalesce(${revocationOf('key', alias, 'keeps_children')}, false)`
}

function revocationOf(kind: Revocable, alias: string, column: 'at' | 'keeps_children'): RawBuilder<unknown> {
  return sql`(select r.${sql.ref(column)} from revocations r where ${isOf(kind, alias)})`
}

/** A predicate over the row with this alias: it is not revoked. */
export function isUnrevoked(kind: Revocable, alias: string): RawBuilder<boolean> {
  return sql<boolean>`(${sql.ref(`${alias}.revoked_at`)} is null
    and not exists (select from revocations r where ${isOf(kind, alias)}))`
}

function isOf(kind: Revocable, alias: string): RawBuilder<boolean> {
  return sql`r.org_id = ${sql.ref(`${alias}.org_id`)} and r.kind = ${sql.lit(kind)} and r.id = ${sql.ref(`${alias}.id`)}`
}

/** Revokes capabilities of the organization; earlier revocations keep their time. Returns the number of new ones. */
export async function revokeCapabilityRows(
  { tx, org, now }: UnitOfWork,
  capabilityIds: readonly string[],
): Promise<number> {
  const ids = [...capabilityIds]
  const { numAffectedRows } = await sql`
    insert into revocations (org_id, kind, id, at)
    select org_id, 'capability', id, coalesce(revoked_at, ${now}) from capabilities
    where org_id = ${org} and id = any(${ids}::uuid[])
    on conflict (org_id, kind, id) do nothing
  `.execute(tx)
  await sql`
    update capabilities set revoked_at = ${now} where org_id = ${org} and id = any(${ids}::uuid[]) and revoked_at is null
  `.execute(tx)
  return Number(numAffectedRows)
}

/**
 * Revokes keys of the organization. Tokens that a key issued outlive it if the caller says so, unless the key was
 * already revoked, by any release: the earlier revocation then stays unchanged. Returns the number of new revocations.
 */
export async function revokeKeys(
  { tx, org, now }: UnitOfWork,
  which: { ids: readonly string[]; keepsChildren: boolean },
): Promise<number> {
  const ids = [...which.ids]
  const { numAffectedRows } = await sql`
    insert into revocations (org_id, kind, id, at, keeps_children)
    select org_id, 'key', id, coalesce(revoked_at, ${now}), ${which.keepsChildren} and revoked_at is null from api_keys
    where org_id = ${org} and id = any(${ids}::uuid[])
    on conflict (org_id, kind, id) do nothing
  `.execute(tx)
  await sql`
    update api_keys set revoked_at = ${now} where org_id = ${org} and id = any(${ids}::uuid[]) and revoked_at is null
  `.execute(tx)
  return Number(numAffectedRows)
}

/**
 * Deletes the revocations of deleted rows, in the transaction that deleted them. The database rejects deleting any
 * others.
 */
export async function purge(tx: Tx, kind: Revocable, gone: readonly { org: string; id: string }[]): Promise<void> {
  const [orgs, kinds, ids] = [gone.map(one => one.org), gone.map(() => kind), gone.map(one => one.id)]
  await sql`select forget_revocations(${orgs}::uuid[], ${kinds}::text[], ${ids}::uuid[])`.execute(tx)
}
