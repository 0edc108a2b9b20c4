/**
 * Revokes API keys together with their descendants: the keys and capabilities that they issued, and what those issued.
 * Every statement that issues a key or a capability takes the same locks, so that none appears while its issuer is being revoked.
 */

import { type RawBuilder, sql } from 'kysely'
import { missingConsent, type RevocationConsent } from '#server/domain/access/revocation.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import * as revocations from '#server/store/tokens/revocations.ts'
import { isUnrevoked, revokedAt } from '#server/store/tokens/revocations.ts'
import type { Mode } from '#shared/base/wire.ts'

/** Ids of keys and capabilities. */
export interface Family {
  readonly keys: readonly string[]
  readonly capabilities: readonly string[]
}

/** The result of a revocation. `refused`: nothing was changed, and the caller must confirm `missing` first. */
export type Revocation =
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'refused'; readonly missing: 'children' | 'force'; readonly living: Family }
  | {
      readonly outcome: 'revoked'
      /** The time at which the key was first revoked. */
      readonly revokedAt: Date
      /** True if an earlier call has revoked the key: this one then changed at most its descendants. */
      readonly isRepeat: boolean
      /** Descendants that this call revoked, excluding the key itself. */
      readonly revoked: Family
      /** Living descendants that were left unchanged. */
      readonly kept: Family
    }

const NONE: Family = { keys: [], capabilities: [] }

/** Until the transaction ends, no other transaction issues or revokes a key or a capability of the organization. */
export async function lockAccess(unit: UnitOfWork): Promise<void> {
  // Always in this order, to avoid deadlocks.
  await quotas.lock(unit, 'api_keys')
  await quotas.lock(unit, 'capabilities')
}

/**
 * Revokes a key from `now` on, and its living descendants if `children` is `revoke`. The transaction holds the locks
 * from here on.
 */
export async function revokeKeyRow(
  unit: UnitOfWork,
  ask: RevocationConsent & { readonly id: string },
): Promise<Revocation> {
  const { tx, org } = unit
  await lockAccess(unit)
  const { id, children } = ask
  const living = await livingDescendants(unit, id)
  const revoked = children === 'revoke' ? living : NONE
  const endsWriting = await leavesNoWriter(unit, [id, ...revoked.keys])
  const counts = { keys: living.keys.length, capabilities: living.capabilities.length }
  const missing = missingConsent(ask, { living: counts, endsWriting })
  if (missing !== null) return { outcome: 'refused', missing, living }
  await revokeCapabilities(unit, revoked.capabilities)
  await revocations.revokeKeys(unit, { ids: revoked.keys, keepsChildren: false })
  const isRepeat = (await revocations.revokeKeys(unit, { ids: [id], keepsChildren: children === 'keep' })) === 0
  const row = await tx
    .selectFrom('api_keys as k')
    .select(revokedAt('key', 'k').as('revoked_at'))
    .where('k.org_id', '=', org)
    .where('k.id', '=', id)
    .executeTakeFirst()
  if (!row?.revoked_at) return { outcome: 'unknown' }
  const kept = children === 'revoke' ? NONE : living
  return { outcome: 'revoked', revokedAt: row.revoked_at, isRepeat, revoked, kept }
}

/**
 * Revokes capabilities that are not yet revoked, returns their number, and ends the leases of all. The caller holds
 * their lock.
 */
export async function revokeCapabilities(unit: UnitOfWork, ids: readonly string[]): Promise<number> {
  const { tx, org, now } = unit
  if (ids.length === 0) return 0
  const changed = await revocations.revokeCapabilityRows(unit, ids)
  await tx
    .updateTable('leases')
    .set({ ended_at: now, ended_by: 'revoked' })
    .where('org_id', '=', org)
    .where('capability_id', 'in', [...ids])
    .where('ended_at', 'is', null)
    .execute()
  return changed
}

/**
 * All living descendants of a key, including capabilities rotated from them. Revoked links are followed too: a revoked
 * child whose own children were kept still leads to them.
 */
async function livingDescendants({ tx, org, now }: UnitOfWork, id: string): Promise<Family> {
  const { rows } = await sql<{ kind: 'key' | 'capability'; id: string }>`
    with recursive made (kind, id) as (
      select 'key', ${id}::uuid
      union
      select step.kind, step.id from made m cross join lateral (
        select 'key' as kind, k.id from api_keys k
          where m.kind = 'key' and k.org_id = ${org} and (k.issuer_id = m.id or ${isRecordedAsMadeBy(sql`m.id`)})
        union all
        select 'capability', c.id from capabilities c
          where m.kind = 'key' and c.org_id = ${org} and c.issuer_id = m.id
        union all
        select 'capability', c.id from capabilities c
          where m.kind = 'capability' and c.org_id = ${org} and c.rotated_from = m.id
      ) step
    )
    select m.kind, m.id from made m join api_keys k on m.kind = 'key' and k.org_id = ${org} and k.id = m.id
      where m.id <> ${id}::uuid and ${isUnrevoked('key', 'k')} and (k.expires_at is null or k.expires_at > ${now})
    union all
    select m.kind, m.id from made m join capabilities c on m.kind = 'capability' and c.org_id = ${org} and c.id = m.id
      where ${isUnrevoked('capability', 'c')} and c.expires_at > ${now}
  `.execute(tx)
  const idsOf = (kind: 'key' | 'capability') => rows.flatMap(row => (row.kind === kind ? [row.id] : []))
  return { keys: idsOf('key'), capabilities: idsOf('capability') }
}

/**
 * A predicate over a key `k`: the audit record names `maker` as its issuer. Processes of the last release store no
 * issuer, but write the audit row right after the key, so the timestamps in the two UUIDv7 ids differ by at most two
 * minutes. The next release drops this.
 */
function isRecordedAsMadeBy(maker: RawBuilder<unknown>): RawBuilder<boolean> {
  const minutes = (
    from: number,
  ) => sql`(lpad(to_hex(('x' || left(k.id::text, 8))::bit(32)::bigint + ${sql.lit(from)}), 8, '0')
    || '-0000-0000-0000-000000000000')::uuid`
  return sql`(k.issuer_id is null and k.id <> ${maker} and exists (
    select from audit_events a where a.org_id = k.org_id and a.id >= ${minutes(-2)} and a.id < ${minutes(3)}
      and a.action = 'key.created' and a.outcome = 'ok' and a.principal_kind = 'key' and a.principal_id = ${maker}
      and a.object_id = k.id))`
}

/** True if these keys are the last living ones of a mode that may write the organization's affairs. */
async function leavesNoWriter({ tx, org, now }: UnitOfWork, keyIds: readonly string[]): Promise<boolean> {
  const ids = [...keyIds]
  const { rows } = await sql<{ mode: Mode }>`
    with writers as (
      select k.id, k.mode from api_keys k
      where k.org_id = ${org} and ${isUnrevoked('key', 'k')} and (k.expires_at is null or k.expires_at > ${now})
        and 'organization.write' = any (k.scopes)
    )
    select mode from writers group by mode having bool_and(id = any (${ids}::uuid[]))
  `.execute(tx)
  return rows.length > 0
}
