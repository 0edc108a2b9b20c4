/**
 * Organizations, the public halves of their sealing keys, and their API keys (hashes only). The secret halves are read in
 * `sealed.ts`, by the worker alone.
 */

import type { Insertable } from 'kysely'
import type { OrganizationKeyRow } from '#server/domain/access/sealed.ts'
import { lockDatasources } from '#server/store/locks/lock-datasources.ts'
import type { Db, Tables, Tx } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** Creates an organization together with its first key pair. An operator's command, so it takes no organization id. */
export async function create(
  tx: Tx,
  entry: { organization: Insertable<Tables['organizations']>; key: Insertable<Tables['organization_keys']> },
): Promise<void> {
  await tx.insertInto('organizations').values(entry.organization).execute()
  await tx.insertInto('organization_keys').values(entry.key).execute()
}

/** The oldest organization that is neither removed nor moving: the default of operators' commands. */
export async function first(db: Db): Promise<{ id: string; name: string } | undefined> {
  return await db
    .selectFrom('organizations')
    .select(['id', 'name'])
    .where('removed_at', 'is', null)
    .where('moving_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
}

/** True if the organization exists and is not removed. A moving one exists: writers for it ask the fence. */
export async function exists(db: Db, org: string): Promise<boolean> {
  const row = await db
    .selectFrom('organizations')
    .select('id')
    .where('id', '=', org)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}

/** The settings with which an organization may override the installation's. */
export interface OrganizationSettings {
  /** The policy for a role that has more privileges than it should. */
  readonly rolePolicy: 'strict' | 'enforce' | 'warn' | 'off'
  /** Null for the installation's interval. */
  readonly checkIntervalSeconds: number | null
}

/** An organization's settings. Throws if there is no such organization. */
export async function settings(db: Db, org: string): Promise<OrganizationSettings> {
  const row = await db
    .selectFrom('organizations')
    .select(['role_policy', 'check_interval_seconds'])
    .where('id', '=', org)
    .executeTakeFirstOrThrow()
  return { rolePolicy: row.role_policy, checkIntervalSeconds: row.check_interval_seconds }
}

/** Changes the given settings of an organization; false if there is no such organization. */
export async function configure({ tx, org }: UnitOfWork, change: Partial<OrganizationSettings>): Promise<boolean> {
  const { rolePolicy, checkIntervalSeconds } = change
  const row = await tx
    .updateTable('organizations')
    .set({
      ...(rolePolicy === undefined ? {} : { role_policy: rolePolicy }),
      ...(checkIntervalSeconds === undefined ? {} : { check_interval_seconds: checkIntervalSeconds }),
    })
    .where('id', '=', org)
    .where('removed_at', 'is', null)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** The key to seal to, as stored in its row; the caller verifies the signature before use. */
export function currentKey(db: Db, org: string): Promise<OrganizationKeyRow | undefined> {
  return publicHalf(db, org, { id: null })
}

/** One key, current or retired, without its secret half; undefined if the organization has no key with that id. */
export function keyById(db: Db, org: string, id: string): Promise<OrganizationKeyRow | undefined> {
  return publicHalf(db, org, { id })
}

async function publicHalf(db: Db, org: string, which: { id: string | null }): Promise<OrganizationKeyRow | undefined> {
  const query = db
    .selectFrom('organization_keys')
    .select(['id', 'public_key', 'signer_id', 'signature', 'retired_at'])
    .where('org_id', '=', org)
  const found = which.id === null ? query.where('retired_at', 'is', null) : query.where('id', '=', which.id)
  const row = await found.executeTakeFirst()
  return (
    row && {
      organizationId: org,
      id: row.id,
      publicKey: row.public_key,
      signerId: row.signer_id,
      signature: row.signature,
      retiredAt: row.retired_at,
    }
  )
}

/**
 * Removes an organization and shreds it: the secret halves of its keys, the bytes of its credentials, its tasks and
 * leases. Its rows stay for the audit record. False if it does not exist or was removed before.
 */
export async function remove(unit: UnitOfWork): Promise<boolean> {
  const { tx, org, now } = unit
  const marked = await tx
    .updateTable('organizations')
    .set({ removed_at: now })
    .where('id', '=', org)
    .where('removed_at', 'is', null)
    .returning('id')
    .execute()
  if (marked.length === 0) return false
  await lockDatasources(unit)
  await tx.deleteFrom('tasks').where('org_id', '=', org).execute()
  await tx
    .updateTable('credentials')
    .set({ state: 'retired', sealed: null, signature: null })
    .where('org_id', '=', org)
    .where('sealed', 'is not', null)
    .execute()
  await tx
    .updateTable('organization_keys')
    .set(eb => ({ secret: null, destroyed_at: now, retired_at: eb.fn.coalesce('retired_at', eb.val(now)) }))
    .where('org_id', '=', org)
    .where('secret', 'is not', null)
    .execute()
  await tx
    .updateTable('leases')
    .set({ ended_at: now, ended_by: 'revoked' })
    .where('org_id', '=', org)
    .where('ended_at', 'is', null)
    .execute()
  return true
}
