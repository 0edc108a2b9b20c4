/**
 * Rows of API keys. A key is stored as a hash keyed with the pepper, next to a MAC over what the row grants, so that
 * the caller can detect a row that was edited outside Mooring.
 */

import { type Insertable, type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import type { Move } from '#server/domain/access/scope.ts'
import { preparedRead } from '#server/store/connection/prepared-read.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import { MOVE } from '#server/store/organizations/move-state.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import * as tokens from '#server/store/tokens/directory.ts'
import { isUnrevoked, keepsChildren, revokedAt } from '#server/store/tokens/revocations.ts'
import type { Mode } from '#shared/base/wire.ts'

/** A key's row with its revocation, if any. */
export interface ApiKeyRow extends Selectable<Tables['api_keys']> {
  readonly keeps_children: boolean
}

/** A key found by its hash, with the state of its organization's move. */
export type FoundKey = ApiKeyRow & {
  readonly move: Move | null
  /** The transaction that wrote the row: it differs after any change. */
  readonly version: string
}

/** A key whose row was read and verified, and the version of the row. */
export type SeenKey = Readonly<Record<'org' | 'version', string> & Record<'hash' | 'mac', Buffer>>

/** Inserts a new key, and its token into the directory. */
export async function insert(unit: UnitOfWork, row: Omit<Insertable<Tables['api_keys']>, 'org_id'>): Promise<void> {
  await tokens.enter(unit, row.hash)
  await unit.tx
    .insertInto('api_keys')
    .values({ ...row, org_id: unit.org })
    .execute()
}

/** Finds a key of the organization named by the directory, by its hashes (one for each pepper in use). */
export async function findByHash(db: Db, org: string, hashes: readonly Buffer[]): Promise<FoundKey | undefined> {
  return (await found(db, { org, hashes }))[0]
}

const found = preparedRead((db, { org, hashes }: { org: string; hashes: readonly Buffer[] }) =>
  rows(db, org)
    .innerJoin('organizations as o', 'o.id', 'k.org_id')
    .select([MOVE.as('move'), sql<string>`k.xmin::text`.as('version')])
    .where('k.hash', '=', sql<Buffer>`any(${hashes}::bytea[])`)
    .where('o.removed_at', 'is', null),
)

/** A query that begins with the row of a key, `k`, and of its organization, `o`; it selects nothing yet. */
type KeyQuery = SelectQueryBuilder<
  Tables & { k: Tables['api_keys']; o: Tables['organizations'] },
  'k' | 'o',
  Record<never, never>
>

/**
 * The row of a key, if a request may still be served by what was seen of it: it is the same version, which nobody has
 * revoked, of an organization that is there and not moving. A statement that begins with it reads nothing otherwise.
 *
 * The MAC, which covers everything that a key grants, is compared too: in a restored database, or after four billion
 * transactions, another version can have the number of the one that was seen.
 */
export function inForce(db: Db, seen: SeenKey): KeyQuery {
  return db
    .selectFrom('api_keys as k')
    .innerJoin('organizations as o', 'o.id', 'k.org_id')
    .where('k.org_id', '=', seen.org)
    .where('k.hash', '=', seen.hash)
    .where(sql<boolean>`k.xmin = ${seen.version}::text::xid`)
    .where('k.mac', '=', seen.mac)
    .where(isUnrevoked('key', 'k'))
    .where('o.removed_at', 'is', null)
    .where(sql<boolean>`${MOVE} is null`)
}

/** True if what was seen of a key still holds. */
export async function isInForce(db: Db, seen: SeenKey): Promise<boolean> {
  return (await stillThere(db, seen)).length > 0
}

const stillThere = preparedRead((db, seen: SeenKey) => inForce(db, seen).select('k.id'))

function rows(db: Db, org: string) {
  return db
    .selectFrom('api_keys as k')
    .select(['k.org_id', 'k.id', 'k.mode', 'k.name', 'k.last4', 'k.pepper_id', 'k.hash', 'k.mac', 'k.scopes'])
    .select(['k.created_at', 'k.last_used_at', 'k.expires_at', 'k.issuer_id'])
    .select([revokedAt('key', 'k').as('revoked_at'), keepsChildren('k').as('keeps_children')])
    .where('k.org_id', '=', org)
}

/**
 * Keys of an organization, including revoked ones, newest first: one page, or all if no page is given (for an
 * operator).
 */
export function list(db: Db, org: string, page?: { olderThan: string | null; limit: number }): Promise<ApiKeyRow[]> {
  const query = rows(db, org).orderBy('k.id', 'desc')
  if (page === undefined) return query.execute()
  const after = page.olderThan === null ? query : query.where('k.id', '<', page.olderThan)
  return after.limit(page.limit).execute()
}

/** A key's mode and revocation time; undefined if the organization has no key with that id. */
export function find(db: Db, org: string, id: string): Promise<{ mode: Mode; revoked_at: Date | null } | undefined> {
  return db
    .selectFrom('api_keys as k')
    .select(['k.mode', revokedAt('key', 'k').as('revoked_at')])
    .where('k.org_id', '=', org)
    .where('k.id', '=', id)
    .executeTakeFirst()
}

/** A key's name; null for a key without a name, and for one that does not exist. */
export async function nameOf(db: Db, org: string, id: string): Promise<string | null> {
  const query = db.selectFrom('api_keys').select('name').where('org_id', '=', org).where('id', '=', id)
  return (await query.executeTakeFirst())?.name ?? null
}

/** Records that a key was used, at most once a minute, since otherwise every request would write. */
export async function touch(db: Db, org: string, which: { id: string; now: Date }): Promise<void> {
  await db
    .updateTable('api_keys')
    .set({ last_used_at: which.now })
    .where('org_id', '=', org)
    .where('id', '=', which.id)
    .where(mayWrite({ organizationId: org, phase: 'begins' }))
    .execute()
}
