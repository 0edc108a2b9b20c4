/**
 * Claims on idempotency keys, and the stored answers that are replayed. A claim is inserted in the transaction of its
 * effect: a second request with the same key waits at the unique index until the first has committed or rolled back.
 */

import { sql } from 'kysely'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import { BATCH, batch, limited } from '#server/store/installation/batches.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { type ClaimKey, find, type StoredClaim } from './stored-claim.ts'

/**
 * The total bytes of answers kept per organization, as JSON. Beyond it the oldest are deleted; claims and results stay.
 */
export const MAX_KEPT_BYTES = 16 << 20

/**
 * Claims a key. Returns null on success, otherwise the existing claim. Waits at most `waitMs` for a claim in progress
 * and then returns `busy`; the transaction is then unusable. An expired claim is replaced.
 */
export async function claim(
  { tx, org, now }: UnitOfWork,
  entry: ClaimKey & { bodyHash: Buffer; expiresAt: Date; waitMs: number },
): Promise<StoredClaim | 'busy' | null> {
  await sql.raw(`set local lock_timeout = ${Math.ceil(entry.waitMs)}`).execute(tx)
  const inserted = sql`
    insert into idempotency_keys (org_id, principal_id, route, key, body_hash, created_at, expires_at)
    values (${org}, ${entry.principalId}, ${entry.route}, ${entry.key}, ${entry.bodyHash}, ${now}, ${entry.expiresAt})
    on conflict (org_id, principal_id, route, key) do update
      set body_hash = ${entry.bodyHash}, result = null, answer = null, answer_bytes = null, remarks = null, created_at = ${now}, expires_at = ${entry.expiresAt}
      where idempotency_keys.expires_at <= ${now}
    returning key
  `
  const rows = await inserted.execute(tx).then(result => result.rows, busyOrThrow)
  if (rows === 'busy') return 'busy'
  return rows.length === 1 ? null : ((await find(tx, org, entry)) ?? null)
}

/** Stores the result of the effect, in its transaction, or the final answer. Returns the answer's size in bytes. */
export async function save(
  db: Db,
  org: string,
  entry: ClaimKey & { result?: unknown; answer?: unknown; responseMetadata?: unknown },
): Promise<number> {
  const answer = entry.answer === undefined ? '' : JSON.stringify(entry.answer)
  const bytes = Buffer.byteLength(answer)
  await db
    .updateTable('idempotency_keys')
    .set({
      ...(entry.result === undefined ? {} : { result: JSON.stringify(entry.result) }),
      ...(entry.answer === undefined ? {} : { answer, answer_bytes: bytes }),
      ...(entry.responseMetadata === undefined ? {} : { remarks: JSON.stringify(entry.responseMetadata) }),
    })
    .where('org_id', '=', org)
    .where('principal_id', '=', entry.principalId)
    .where('route', '=', entry.route)
    .where('key', '=', entry.key)
    .where(mayWrite({ organizationId: org, phase: 'ends' }))
    .execute()
  return bytes
}

/**
 * Deletes an organization's oldest answers if it keeps more than `MAX_KEPT_BYTES`. It scans an index of all that is
 * kept, which is too costly for every answer: `isTrimDue` selects some.
 */
export async function trim(db: Db, org: string): Promise<void> {
  await sql`
    with oldest as (
      select created_at from (
        select created_at, sum(answer_bytes) over (order by created_at desc) as total
        from idempotency_keys where org_id = ${org} and answer_bytes > 0) as kept
      where total > ${MAX_KEPT_BYTES} order by created_at desc limit 1
    ), old as (
      select principal_id, route, key from idempotency_keys
      where org_id = ${org} and answer_bytes > 0 and created_at <= (select created_at from oldest)
      for update skip locked
    )
    update idempotency_keys k set answer = null, answer_bytes = 0 from old
    where k.org_id = ${org} and k.principal_id = old.principal_id and k.route = old.route and k.key = old.key
      and ${mayWrite({ organizationId: org, phase: 'ends' })}
  `.execute(db)
}

/**
 * True on average once per 256 KB stored, at random and across all processes: a counter would be a row that every
 * mutation of an organization waits for. The choice is unpredictable to callers.
 */
export function isTrimDue(bytes: number): boolean {
  return Math.random() < bytes / TRIM_EVERY_BYTES
}

/** Releases a key whose request produced no answer. */
export async function release(db: Db, org: string, { principalId, route, key }: ClaimKey): Promise<void> {
  await db
    .deleteFrom('idempotency_keys')
    .where('org_id', '=', org)
    .where('principal_id', '=', principalId)
    .where('route', '=', route)
    .where('key', '=', key)
    .where(mayWrite({ organizationId: org, phase: 'ends' }))
    .execute()
}

/** Deletes a batch of expired claims across all organizations; returns true if more may remain. */
export function purgeExpired(db: Db, now: Date, size: number = BATCH): Promise<boolean> {
  return batch(
    db,
    size,
    sql`
      with old as (
        select org_id, principal_id, route, key from idempotency_keys
        where expires_at <= ${now} order by expires_at ${limited(size)}
      )
      delete from idempotency_keys k using old
      where k.org_id = old.org_id and k.principal_id = old.principal_id and k.route = old.route and k.key = old.key
        and k.expires_at <= ${now}`,
  )
}

const TRIM_EVERY_BYTES = 256 << 10
const LOCK_NOT_AVAILABLE = '55P03'

function busyOrThrow(error: unknown): 'busy' {
  if (error instanceof Error && Reflect.get(error, 'code') === LOCK_NOT_AVAILABLE) return 'busy'
  throw error
}
