/**
 * Rows of capabilities. The token is stored as a hash keyed with the pepper, next to a MAC over what the row grants, so
 * that the caller can detect a row that was edited outside Mooring.
 */

import { type Insertable, type Selectable, sql } from 'kysely'
import type { Move } from '#server/domain/access/scope.ts'
import { preparedRead } from '#server/store/connection/prepared-read.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import { MOVE } from '#server/store/organizations/move-state.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import * as tokens from '#server/store/tokens/directory.ts'
import { keepsChildren, revokedAt } from '#server/store/tokens/revocations.ts'
import type { ApiKeyRow } from './api-keys.ts'

/** A capability's row. */
export type CapabilityRow = Selectable<Tables['capabilities']>

/** The columns that decide whether the issuing key is still valid. */
export type Issuer = Pick<
  ApiKeyRow,
  'org_id' | 'id' | 'pepper_id' | 'hash' | 'mac' | 'mode' | 'scopes' | 'expires_at' | 'revoked_at' | 'keeps_children'
>

/** A capability and the key whose end also ends it; `issuer` is null if an operator granted it. */
export interface FoundCapability {
  readonly capability: CapabilityRow
  readonly issuer: Issuer | null
  /** The state of its organization's move. */
  readonly move: Move | null
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
] as const

/** Inserts a new capability, and its token into the directory. */
export async function insert(
  unit: UnitOfWork,
  row: Omit<Insertable<Tables['capabilities']>, 'org_id'>,
): Promise<CapabilityRow> {
  await tokens.enter(unit, row.hash)
  return unit.tx
    .insertInto('capabilities')
    .values({ ...row, org_id: unit.org })
    .returning([...COLUMNS, 'revoked_at'])
    .executeTakeFirstOrThrow()
}

function rows(db: Db, org: string) {
  return db
    .selectFrom('capabilities as c')
    .select(COLUMNS.map(column => `c.${column}` as const))
    .select(revokedAt('capability', 'c').as('revoked_at'))
    .where('c.org_id', '=', org)
}

/** Finds a capability of the organization named by the directory, by its hashes (one for each pepper in use). */
export async function findByHash(db: Db, org: string, hashes: readonly Buffer[]): Promise<FoundCapability | undefined> {
  const [row] = await found(db, { org, hashes })
  if (row === undefined) return undefined
  const capability: CapabilityRow = row
  return { capability, issuer: issuerOf(row), move: row.move }
}

const found = preparedRead((db, { org, hashes }: { org: string; hashes: readonly Buffer[] }) =>
  rows(db, org)
    .innerJoin('organizations as o', 'o.id', 'c.org_id')
    .leftJoin('api_keys as k', join => join.onRef('k.org_id', '=', 'c.org_id').onRef('k.id', '=', 'c.issuer_id'))
    .select(['k.id as k_id', 'k.pepper_id as k_pepper_id', 'k.hash as k_hash', 'k.mac as k_mac', 'k.mode as k_mode'])
    .select(['k.scopes as k_scopes', 'k.expires_at as k_expires_at'])
    .select([revokedAt('key', 'k').as('k_revoked_at'), keepsChildren('k').as('k_keeps_children')])
    .select(MOVE.as('move'))
    .where('c.hash', '=', sql<Buffer>`any(${hashes}::bytea[])`)
    .where('o.removed_at', 'is', null),
)

type Joined = { readonly [K in keyof Omit<Issuer, 'org_id'> as `k_${K}`]: Issuer[K] | null }

/** The issuer's columns, or null if they are all null. */
function issuerOf(row: { org_id: string } & Joined): Issuer | null {
  const { k_id: id, k_pepper_id, k_hash: hash, k_mac: mac, k_mode: mode, k_scopes: scopes } = row
  const isThere =
    id !== null && k_pepper_id !== null && hash !== null && mac !== null && mode !== null && scopes !== null
  if (!isThere) return null
  const { k_expires_at: expires_at, k_revoked_at: revoked_at } = row
  const keeps_children = row.k_keeps_children === true
  return {
    org_id: row.org_id,
    id,
    pepper_id: k_pepper_id,
    hash,
    mac,
    mode,
    scopes,
    expires_at,
    revoked_at,
    keeps_children,
  }
}

/** One capability; undefined if the organization has no capability with that id. */
export function find(db: Db, org: string, id: string): Promise<CapabilityRow | undefined> {
  return rows(db, org).where('c.id', '=', id).executeTakeFirst()
}

/**
 * As `find`, under the row's lock. The caller already holds the lock of capabilities: of two concurrent rotations, the
 * second sees the first one's changes, including its revocation.
 */
export function lock({ tx, org }: UnitOfWork, id: string): Promise<CapabilityRow | undefined> {
  return rows(tx, org).where('c.id', '=', id).forNoKeyUpdate('c').executeTakeFirst()
}

/** Capabilities, including ended ones, newest first; only those older than the id `olderThan` if it is given. */
export function list(db: Db, org: string, page: { olderThan: string | null; limit: number }): Promise<CapabilityRow[]> {
  const query = rows(db, org)
  const older = page.olderThan === null ? query : query.where('c.id', '<', page.olderThan)
  return older.orderBy('c.id', 'desc').limit(page.limit).execute()
}

/** Changes a capability's expiry. The caller holds its lock. The MAC covers the changed grant. */
export async function reschedule(
  { tx, org }: UnitOfWork,
  change: { id: string; expiresAt: Date; mac: Buffer },
): Promise<void> {
  await tx
    .updateTable('capabilities')
    .set({ expires_at: change.expiresAt, mac: change.mac })
    .where('org_id', '=', org)
    .where('id', '=', change.id)
    .execute()
}

/** Records that a capability was used, at most once a minute, since otherwise every request would write. */
export async function touch(db: Db, org: string, which: { id: string; now: Date }): Promise<void> {
  await db
    .updateTable('capabilities')
    .set({ last_used_at: which.now })
    .where('org_id', '=', org)
    .where('id', '=', which.id)
    .where(mayWrite({ organizationId: org, phase: 'begins' }))
    .execute()
}
