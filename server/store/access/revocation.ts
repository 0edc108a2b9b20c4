/**
 * Revokes API keys together with what they have made: keys, capabilities, and whatever those made. Everything that makes
 * a key or a capability takes the same locks, so none comes to be while its maker is being revoked.
 */
import { sql } from 'kysely'
import { missingConsent, type RevocationConsent } from '#server/domain/access/revocation.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { Tx } from '#server/store/tables/tables.ts'
import type { Mode } from '#shared/base/wire.ts'

/** Ids of keys and capabilities. */
export interface Family {
  readonly keys: readonly string[]
  readonly capabilities: readonly string[]
}

/** What a revocation came to. `refused`: nothing was changed, and `missing` has to be said first. */
export type Revocation =
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'refused'; readonly missing: 'children' | 'force'; readonly living: Family }
  | {
      readonly outcome: 'revoked'
      /** When the key was revoked; the first time counts. */
      readonly revokedAt: Date
      /** Descendants that were revoked now, the key itself not among them. */
      readonly revoked: Family
      /** Living descendants that were left as they are. */
      readonly kept: Family
    }

const NONE: Family = { keys: [], capabilities: [] }

/** From here to the end of the transaction nobody else makes or revokes a key or a capability of the organization. */
export async function lockAccess(tx: Tx, org: string): Promise<void> {
  // Always in this order, so that no two wait for each other.
  await quotas.lock(tx, org, 'api_keys')
  await quotas.lock(tx, org, 'capabilities')
}

/** Revokes a key from `now` on, with its living descendants where `children` is `revoke`. The transaction holds the locks from here on. */
export async function revokeKey(
  tx: Tx,
  org: string,
  ask: RevocationConsent & { readonly id: string; readonly now: Date },
): Promise<Revocation> {
  await lockAccess(tx, org)
  const { id, now, children } = ask
  const living = await livingDescendants(tx, org, { id, now })
  const revoked = children === 'revoke' ? living : NONE
  const endsWriting = await leavesNoWriter(tx, org, { ids: [id, ...revoked.keys], now })
  const counts = { keys: living.keys.length, capabilities: living.capabilities.length }
  const missing = missingConsent(ask, { living: counts, endsWriting })
  if (missing !== null) return { outcome: 'refused', missing, living }
  await revokeCapabilities(tx, org, { ids: revoked.capabilities, now })
  await revokeKeys(tx, org, { ids: revoked.keys, now, keepsChildren: false })
  await revokeKeys(tx, org, { ids: [id], now, keepsChildren: children === 'keep' })
  const row = await tx
    .selectFrom('api_keys')
    .select('revoked_at')
    .where('org_id', '=', org)
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row?.revoked_at) return { outcome: 'unknown' }
  return { outcome: 'revoked', revokedAt: row.revoked_at, revoked, kept: children === 'revoke' ? NONE : living }
}

/** Revokes capabilities that are not revoked yet, and ends the leases that they hold. The caller holds their lock. */
export async function revokeCapabilities(
  tx: Tx,
  org: string,
  which: { readonly ids: readonly string[]; readonly now: Date },
): Promise<void> {
  if (which.ids.length === 0) return
  await tx
    .updateTable('capabilities')
    .set({ revoked_at: which.now })
    .where('org_id', '=', org)
    .where('id', 'in', [...which.ids])
    .where('revoked_at', 'is', null)
    .execute()
  await tx
    .updateTable('leases')
    .set({ ended_at: which.now, ended_by: 'revoked' })
    .where('org_id', '=', org)
    .where('capability_id', 'in', [...which.ids])
    .where('ended_at', 'is', null)
    .execute()
}

async function revokeKeys(
  tx: Tx,
  org: string,
  which: { readonly ids: readonly string[]; readonly now: Date; readonly keepsChildren: boolean },
): Promise<void> {
  if (which.ids.length === 0) return
  await tx
    .updateTable('api_keys')
    .set({ revoked_at: which.now, keeps_children: which.keepsChildren })
    .where('org_id', '=', org)
    .where('id', 'in', [...which.ids])
    .where('revoked_at', 'is', null)
    .execute()
}

/**
 * Everything alive that a key has made, or that was made or rotated out of what it has made. Dead links are followed, too:
 * a child that was revoked and whose own children were kept still leads to them.
 */
async function livingDescendants(tx: Tx, org: string, of: { id: string; now: Date }): Promise<Family> {
  const { rows } = await sql<{ kind: 'key' | 'capability'; id: string; living: boolean }>`
    with recursive made (kind, id) as (
      select 'key', ${of.id}::uuid
      union
      select step.kind, step.id from made m cross join lateral (
        select 'key' as kind, k.id from api_keys k
          where m.kind = 'key' and k.org_id = ${org} and k.issuer_id = m.id
        union all
        select 'capability', c.id from capabilities c
          where m.kind = 'key' and c.org_id = ${org} and c.issuer_id = m.id
        union all
        select 'capability', c.id from capabilities c
          where m.kind = 'capability' and c.org_id = ${org} and c.rotated_from = m.id
      ) step
    )
    select m.kind, m.id from made m join api_keys k on m.kind = 'key' and k.org_id = ${org} and k.id = m.id
      where m.id <> ${of.id}::uuid and k.revoked_at is null and (k.expires_at is null or k.expires_at > ${of.now})
    union all
    select m.kind, m.id from made m join capabilities c on m.kind = 'capability' and c.org_id = ${org} and c.id = m.id
      where c.revoked_at is null and c.expires_at > ${of.now}
  `.execute(tx)
  const idsOf = (kind: 'key' | 'capability') => rows.flatMap(row => (row.kind === kind ? [row.id] : []))
  return { keys: idsOf('key'), capabilities: idsOf('capability') }
}

/** True when these keys are the last living ones of a mode that may write the organization's affairs. */
async function leavesNoWriter(tx: Tx, org: string, of: { ids: readonly string[]; now: Date }): Promise<boolean> {
  const ids = [...of.ids]
  const { rows } = await sql<{ mode: Mode }>`
    with writers as (
      select id, mode from api_keys
      where org_id = ${org} and revoked_at is null and (expires_at is null or expires_at > ${of.now})
        and 'organization.write' = any (scopes)
    )
    select mode from writers group by mode having bool_and(id = any (${ids}::uuid[]))
  `.execute(tx)
  return rows.length > 0
}
