/**
 * Rows of API keys. A key is stored as a hash keyed with the pepper; the MAC beside it covers what the row grants, so that
 * the caller can tell an edited row from one that was written here.
 */
import type { Insertable, Selectable } from 'kysely'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { Mode } from '#shared/base/wire.ts'

/** A key's row as it was found by its hash. */
export type ApiKeyRow = Selectable<Tables['api_keys']>

/** Writes a new key. */
export async function insert(tx: Db, org: string, row: Omit<Insertable<Tables['api_keys']>, 'org_id'>): Promise<void> {
  await tx
    .insertInto('api_keys')
    .values({ ...row, org_id: org })
    .execute()
}

/**
 * Finds a key by its hashes (one for each pepper in use). One of the three functions that find the organization instead of
 * being told it: this is how a request learns its own.
 */
export function findByHash(db: Db, hashes: readonly Buffer[]): Promise<ApiKeyRow | undefined> {
  return db
    .selectFrom('api_keys as k')
    .innerJoin('organizations as o', 'o.id', 'k.org_id')
    .select(['k.org_id', 'k.id', 'k.mode', 'k.name', 'k.last4', 'k.pepper_id', 'k.hash', 'k.mac', 'k.scopes'])
    .select(['k.created_at', 'k.last_used_at', 'k.expires_at', 'k.revoked_at', 'k.issuer_id', 'k.keeps_children'])
    .where('k.hash', 'in', [...hashes])
    .where('o.removed_at', 'is', null)
    .executeTakeFirst()
}

/** Keys of an organization, revoked ones too, newest first: a page of them, or for an operator all. */
export function list(db: Db, org: string, page?: { olderThan: string | null; limit: number }): Promise<ApiKeyRow[]> {
  const query = db
    .selectFrom('api_keys')
    .select(['org_id', 'id', 'mode', 'name', 'last4', 'pepper_id', 'hash', 'mac', 'scopes'])
    .select(['created_at', 'last_used_at', 'expires_at', 'revoked_at', 'issuer_id', 'keeps_children'])
    .where('org_id', '=', org)
    .orderBy('id', 'desc')
  if (page === undefined) return query.execute()
  const after = page.olderThan === null ? query : query.where('id', '<', page.olderThan)
  return after.limit(page.limit).execute()
}

/** What a key is and whether it was revoked; undefined when the organization has none of that id. */
export function find(db: Db, org: string, id: string): Promise<{ mode: Mode; revoked_at: Date | null } | undefined> {
  return db
    .selectFrom('api_keys')
    .select(['mode', 'revoked_at'])
    .where('org_id', '=', org)
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Notes that a key was used; at most once a minute, since every request would otherwise write. */
export async function touch(db: Db, org: string, which: { id: string; now: Date }): Promise<void> {
  await db
    .updateTable('api_keys')
    .set({ last_used_at: which.now })
    .where('org_id', '=', org)
    .where('id', '=', which.id)
    .execute()
}
