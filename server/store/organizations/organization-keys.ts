/**
 * The life cycle of organizations' keys: replacing the current one, rewrapping its secret half, signing its row again,
 * and destroying it. Operators and the worker call it; the web role may run none of it.
 */

import { type Selectable, sql } from 'kysely'
import type { WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** The columns of a key's row that its signature covers. */
interface Signed {
  readonly signerId: string
  readonly signature: Buffer
}

/** A new key's row. */
export interface NewKeyRow extends Signed {
  readonly id: string
  readonly publicKey: Buffer
  readonly secret: Buffer
  readonly masterKeyId: string
}

/** Retires the current key, whose row is signed as retired, and inserts a new one. */
export async function replaceCurrent(
  { tx, org, now }: UnitOfWork,
  { retired, fresh }: { retired: Signed & { id: string; retiredAt: Date }; fresh: NewKeyRow },
): Promise<void> {
  await tx
    .updateTable('organization_keys')
    .set({ retired_at: retired.retiredAt, signer_id: retired.signerId, signature: retired.signature })
    .where('org_id', '=', org)
    .where('id', '=', retired.id)
    .where('retired_at', 'is', null)
    .execute()
  await tx
    .insertInto('organization_keys')
    .values({
      org_id: org,
      id: fresh.id,
      public_key: fresh.publicKey,
      secret: fresh.secret,
      master_key_id: fresh.masterKeyId,
      signer_id: fresh.signerId,
      signature: fresh.signature,
      created_at: now,
      retired_at: null,
    })
    .execute()
}

const COLUMNS = [
  'org_id',
  'id',
  'public_key',
  'secret',
  'master_key_id',
  'signer_id',
  'signature',
  'retired_at',
] as const

/** A subset of all keys, which skips some organizations. */
interface Part {
  readonly limit: number
  readonly without: readonly string[]
}

/**
 * Keys with a secret half, including retired ones: an organization's, or all that are wrapped or signed with another
 * key.
 */
export async function list(
  db: Db,
  which: { org: string } | ({ notMaster: string } & Part) | ({ notSigner: string } & Part),
): Promise<WrappedOrganizationKey[]> {
  let query = db
    .selectFrom('organization_keys')
    .select(COLUMNS)
    .where('secret', 'is not', null)
    .orderBy('org_id')
    .orderBy('id')
  if ('org' in which) query = query.where('org_id', '=', which.org)
  if ('notMaster' in which) query = query.where('master_key_id', '!=', which.notMaster)
  if ('notSigner' in which) query = query.where('signer_id', '!=', which.notSigner)
  if ('limit' in which)
    query = query.limit(which.limit).where(sql<boolean>`org_id <> all(${[...which.without]}::uuid[])`)
  const rows = await query.execute()
  return rows.flatMap(keyOf)
}

function keyOf(row: Pick<Selectable<Tables['organization_keys']>, (typeof COLUMNS)[number]>): WrappedOrganizationKey[] {
  if (row.secret === null) return []
  const { org_id: organizationId, id, secret, signature } = row
  const rest = { masterKeyId: row.master_key_id, signerId: row.signer_id, retiredAt: row.retired_at }
  return [{ organizationId, id, publicKey: row.public_key, secret, signature, ...rest }]
}

/**
 * One key with a secret half for each pair of wrapping and signing keys: a keyring that opens it opens all of that
 * pair.
 */
export async function samples(db: Db): Promise<WrappedOrganizationKey[]> {
  const rows = await db
    .selectFrom('organization_keys')
    .distinctOn(['master_key_id', 'signer_id'])
    .select(COLUMNS)
    .where('secret', 'is not', null)
    .execute()
  return rows.flatMap(keyOf)
}

/** The number of keys with a secret half that are wrapped to another master key, or signed by another signer. */
export async function countOthers(db: Db, than: { masterKeyId: string } | { signerId: string }): Promise<number> {
  const query = db
    .selectFrom('organization_keys')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('secret', 'is not', null)
  const { count } = await ('masterKeyId' in than
    ? query.where('master_key_id', '!=', than.masterKeyId)
    : query.where('signer_id', '!=', than.signerId)
  ).executeTakeFirstOrThrow()
  return count
}

/** Writes a rewrapped secret half, unless someone else was faster. */
export async function writeWrapped(
  db: Db,
  key: WrappedOrganizationKey,
  wrapped: { secret: Buffer; masterKeyId: string },
): Promise<void> {
  await db
    .updateTable('organization_keys')
    .set({ secret: wrapped.secret, master_key_id: wrapped.masterKeyId })
    .where('org_id', '=', key.organizationId)
    .where('id', '=', key.id)
    .where('master_key_id', '=', key.masterKeyId)
    .where('secret', 'is not', null)
    .execute()
}

/** Writes a new signature, unless the row has changed meanwhile. */
export async function writeSigned(db: Db, key: WrappedOrganizationKey, signed: Signed): Promise<void> {
  await db
    .updateTable('organization_keys')
    .set({ signer_id: signed.signerId, signature: signed.signature })
    .where('org_id', '=', key.organizationId)
    .where('id', '=', key.id)
    .where('signature', '=', key.signature)
    .execute()
}

/**
 * Destroys the secret half of a retired key, unless something is or may still be sealed to it: the key that a caller
 * sealed to is known only after a worker has opened the box. True if it was destroyed.
 */
export async function destroy({ tx, org, now }: UnitOfWork, id: string): Promise<boolean> {
  const { rows } = await sql`
    update organization_keys k set secret = null, destroyed_at = ${now}
    where k.org_id = ${org} and k.id = ${id} and k.retired_at is not null and k.secret is not null
      and not exists (select 1 from credentials c where c.org_id = k.org_id and c.key_id = k.id and c.sealed is not null)
      and not exists (
        select 1 from credentials c join tasks t on t.org_id = c.org_id and t.datasource_id = c.datasource_id
        where c.org_id = k.org_id and c.sealed is not null and c.fingerprint is null
          and t.kind = 'verify' and t.settled < t.requested)
    returning k.id
  `.execute(tx)
  return rows.length === 1
}
