/**
 * Rows of capabilities. The token is stored as a hash keyed with the pepper; the MAC beside it covers what the row grants,
 * so that the caller can tell an edited row from one that was written here.
 */
import type { Insertable, Selectable } from 'kysely'
import type { Mode } from '#shared/wire.ts'
import type { ApiKeyRow } from './api-keys.ts'
import type { Db, Tables, Tx } from './db.ts'

/** A capability's row. */
export type CapabilityRow = Selectable<Tables['capabilities']>

/** A capability with the key that it dies with; null where an operator granted it. */
export interface FoundCapability {
  readonly capability: CapabilityRow
  readonly issuer: ApiKeyRow | null
}

const COLUMNS = [
  'org_id',
  'id',
  'issuer_id',
  'rotated_from',
  'mode',
  'last4',
  'pepper_id',
  'hash',
  'mac',
  'operations',
  'datasource_ids',
  'participant_kind',
  'participant_id',
  'label',
  'sync_groups',
  'user_meta',
  'wide_scope',
  'created_at',
  'last_used_at',
  'expires_at',
  'revoked_at',
] as const

/** Writes a new capability. */
export async function insert(
  tx: Db,
  org: string,
  row: Omit<Insertable<Tables['capabilities']>, 'org_id'>,
): Promise<CapabilityRow> {
  return await tx
    .insertInto('capabilities')
    .values({ ...row, org_id: org })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow()
}

/**
 * Finds a capability by its hashes (one for each pepper in use). Like its sibling for keys it finds the organization
 * instead of being told it: this is how a request learns its own.
 */
export async function findByHash(db: Db, hashes: readonly Buffer[]): Promise<FoundCapability | undefined> {
  const row = await db
    .selectFrom('capabilities as c')
    .innerJoin('organizations as o', 'o.id', 'c.org_id')
    .leftJoin('api_keys as k', join => join.onRef('k.org_id', '=', 'c.org_id').onRef('k.id', '=', 'c.issuer_id'))
    .select(COLUMNS.map(column => `c.${column}` as const))
    .select(['k.id as k_id', 'k.mode as k_mode', 'k.name as k_name', 'k.last4 as k_last4'])
    .select(['k.pepper_id as k_pepper_id', 'k.hash as k_hash', 'k.mac as k_mac', 'k.scopes as k_scopes'])
    .select(['k.created_at as k_created_at', 'k.last_used_at as k_last_used_at'])
    .select(['k.expires_at as k_expires_at', 'k.revoked_at as k_revoked_at'])
    .where('c.hash', 'in', [...hashes])
    .where('o.removed_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const capability: CapabilityRow = row
  return { capability, issuer: issuerOf(row) }
}

type Prefixed<T> = { readonly [K in keyof T & string as `k_${K}`]: T[K] | null }

/** The issuer's columns, all null where there is none: the primary key and what must not be null tell. */
function issuerOf(row: { org_id: string } & Prefixed<Omit<ApiKeyRow, 'org_id'>>): ApiKeyRow | null {
  const { k_id: id, k_mode: mode, k_last4: last4, k_pepper_id, k_hash: hash, k_mac: mac, k_scopes: scopes } = row
  if (id === null || mode === null || last4 === null || k_pepper_id === null || hash === null) return null
  if (mac === null || scopes === null || row.k_created_at === null) return null
  return {
    org_id: row.org_id,
    id,
    mode,
    name: row.k_name,
    last4,
    pepper_id: k_pepper_id,
    hash,
    mac,
    scopes,
    created_at: row.k_created_at,
    last_used_at: row.k_last_used_at,
    expires_at: row.k_expires_at,
    revoked_at: row.k_revoked_at,
  }
}

/** One capability; undefined when the organization has none of that id. */
export function find(db: Db, org: string, id: string): Promise<CapabilityRow | undefined> {
  return db.selectFrom('capabilities').select(COLUMNS).where('org_id', '=', org).where('id', '=', id).executeTakeFirst()
}

/** The same under its row lock: of two rotations at once the second sees what the first did. */
export function lock(tx: Tx, org: string, id: string): Promise<CapabilityRow | undefined> {
  return tx
    .selectFrom('capabilities')
    .select(COLUMNS)
    .where('org_id', '=', org)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
}

/** Capabilities, dead ones too, newest first; those older than the id `olderThan` where it is given. */
export function list(db: Db, org: string, page: { olderThan: string | null; limit: number }): Promise<CapabilityRow[]> {
  const query = db.selectFrom('capabilities').select(COLUMNS).where('org_id', '=', org)
  const older = page.olderThan === null ? query : query.where('id', '<', page.olderThan)
  return older.orderBy('id', 'desc').limit(page.limit).execute()
}

/** Revokes a capability from `at` on, or earlier if that was said before, and answers it; undefined when there is none. */
export async function revoke(tx: Tx, org: string, which: { id: string; at: Date }): Promise<CapabilityRow | undefined> {
  return await tx
    .updateTable('capabilities')
    .set(eb => ({ revoked_at: eb.fn<Date>('least', ['revoked_at', eb.cast<Date>(eb.val(which.at), 'timestamptz')]) }))
    .where('org_id', '=', org)
    .where('id', '=', which.id)
    .returning(COLUMNS)
    .executeTakeFirst()
}

/** Notes that a capability was used; at most once a minute, since every request would otherwise write. */
export async function touch(db: Db, org: string, which: { id: string; now: Date }): Promise<void> {
  await db
    .updateTable('capabilities')
    .set({ last_used_at: which.now })
    .where('org_id', '=', org)
    .where('id', '=', which.id)
    .execute()
}

/** Which of the datasources the organization has, as UUIDs; removed ones do not count. */
export async function knownDatasources(db: Db, org: string, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .selectFrom('datasources')
    .select('id')
    .where('org_id', '=', org)
    .where('id', 'in', [...ids])
    .where('deleted_at', 'is', null)
    .execute()
  return new Set(rows.map(row => row.id))
}

export type { Mode }
