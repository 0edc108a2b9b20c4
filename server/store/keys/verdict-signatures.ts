/**
 * The verdicts that a rotation of the worker's signing key reads and writes: those signed by another key. The worker
 * and operators call it; the web role may write none of it.
 */

import { sql } from 'kysely'
import type { VerdictContent } from '#server/domain/datasources/verdict.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** A verdict as stored in its row, and its signer, under the row's lock. */
export interface SignedRow {
  readonly verdict: VerdictContent
  readonly signed: { readonly signerId: string; readonly signature: Buffer }
}

/** A predicate over `datasources d`: a live row whose verdict was signed by none of these keys. */
export function isStale(signerIds: readonly string[]) {
  return sql<boolean>`d.deleted_at is null and d.verdict_signer_id is not null and not (d.verdict_signer_id = any(${[...signerIds]}))`
}

interface StaleRow extends Pick<VerdictContent, 'mode' | 'status'> {
  readonly id: string
  readonly verdict_version: number
  readonly verdict_usable: boolean
  readonly usable_until: Date | null
  readonly verdict_signer_id: string
  readonly verdict_signature: Buffer
}

/** Locks up to `limit` stale verdicts of an organization; skips those whose rows others hold. */
export async function lockStale(
  { tx, org }: UnitOfWork,
  ask: { signerIds: readonly string[]; limit: number },
): Promise<SignedRow[]> {
  const { rows } = await sql<StaleRow>`
    select d.id, d.mode, d.status, d.verdict_version, d.verdict_usable, d.usable_until, d.verdict_signer_id, d.verdict_signature
    from datasources d where d.org_id = ${org} and ${isStale(ask.signerIds)}
    order by d.id limit ${ask.limit} for no key update of d skip locked
  `.execute(tx)
  return rows.map(row => ({
    verdict: {
      organizationId: org,
      datasourceId: row.id,
      mode: row.mode,
      version: row.verdict_version,
      status: row.status,
      usable: row.verdict_usable,
      usableUntil: row.usable_until,
    },
    signed: { signerId: row.verdict_signer_id, signature: row.verdict_signature },
  }))
}

/** A verdict's new signature; null removes the verdict from the row, because its signature cannot be verified. */
export interface NewSignature {
  readonly datasourceId: string
  readonly signed: { readonly signerId: string; readonly signature: Buffer } | null
}

/** Writes new signatures in one statement, in the transaction that holds the locks. */
export async function write({ tx, org }: UnitOfWork, entries: readonly NewSignature[]): Promise<void> {
  if (entries.length === 0) return
  await sql`
    update datasources d set
      verdict_version = case when n.signer_id is null then null else d.verdict_version end,
      verdict_usable = case when n.signer_id is null then null else d.verdict_usable end,
      usable_until = case when n.signer_id is null then null else d.usable_until end,
      verdict_signer_id = n.signer_id, verdict_signature = n.signature
    from unnest(
      ${entries.map(one => one.datasourceId)}::uuid[], ${entries.map(one => one.signed?.signerId ?? null)}::text[],
      ${entries.map(one => one.signed?.signature ?? null)}::bytea[]
    ) as n (id, signer_id, signature)
    where d.org_id = ${org} and d.id = n.id
  `.execute(tx)
}

/**
 * The number of stale verdicts, of one organization or of all that are not removed. Moving organizations do not count.
 */
export async function countStale(db: Db, org: string | null, signerIds: readonly string[]): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from datasources d join organizations o on o.id = d.org_id and o.removed_at is null and o.moving_at is null
    where (${org}::uuid is null or d.org_id = ${org}::uuid) and ${isStale(signerIds)}
  `.execute(db)
  return rows[0]?.count ?? 0
}
