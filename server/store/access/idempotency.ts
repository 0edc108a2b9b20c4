/**
 * Claims on idempotency keys, and the stored answers that are replayed. A claim is inserted in the transaction of its
 * effect: a second request with the same key waits at the unique index until the first has committed or rolled back.
 */

import { sql } from 'kysely'
import { preparedRead } from '#server/store/connection/prepared-read.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import { BATCH, batch, limited } from '#server/store/installation/batches.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { inForce, type SeenKey } from './api-keys.ts'

/**
 * The total bytes of answers kept per organization, as JSON. Beyond it the oldest are deleted; claims and results stay.
 */
export const MAX_KEPT_BYTES = 16 << 20

/** The identity of a claim: one key of one principal on one route. */
export interface ClaimKey {
  readonly principalId: string
  readonly route: string
  readonly key: string
}

/** An existing claim. */
export interface StoredClaim {
  readonly bodyHash: Buffer
  /** Null if there is an answer. */
  readonly result: unknown
  /** Null while the first request has no answer yet, and after the answer was deleted. */
  readonly answer: unknown
  /** True if the answer was deleted: the organization kept more than `MAX_KEPT_BYTES`, and it was among the oldest. */
  readonly isGone: boolean
  /** The column `remarks`: `docs/decisions/idempotency.md` says why it keeps its name. */
  readonly responseMetadata: unknown
  readonly createdAt: Date
}

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

/** A claim with its end. */
export type FoundClaim = StoredClaim & { readonly expiresAt: Date }

/** The claim on a key, if it exists, expired or not. */
export async function find(
  db: Db,
  org: string,
  { principalId: principal, route, key }: ClaimKey,
): Promise<FoundClaim | undefined> {
  const [row] = await oneClaim(db, { org, principal, route, key })
  return row === undefined ? undefined : toClaim(row)
}

/**
 * The claim of an API key, read together with that key; undefined if what was seen of the key no longer holds.
 */
export async function findWithKey(
  db: Db,
  seen: SeenKey,
  { route, key }: Omit<ClaimKey, 'principalId'>,
): Promise<{ readonly claim: FoundClaim | undefined } | undefined> {
  const [row] = await oneClaimWithKey(db, { ...seen, route, key })
  if (row === undefined) return undefined
  // A claim has a hash: its other columns are there as well.
  return { claim: row.body_hash === null ? undefined : toClaim(row as ClaimRow) }
}

type ClaimRow = Awaited<ReturnType<typeof oneClaim>>[number]

function toClaim(row: ClaimRow): FoundClaim {
  const {
    body_hash: bodyHash,
    result,
    answer,
    remarks: responseMetadata,
    created_at: createdAt,
    expires_at: expiresAt,
  } = row
  const isGone = answer === null && row.answer_bytes !== null
  return { bodyHash, result, answer, isGone, responseMetadata, createdAt, expiresAt }
}

/** An answer is replayed as it is: its result, which is as long, is read only where an answer is missing. */
const COLUMNS = [
  ...(['body_hash', 'answer', 'answer_bytes', 'remarks', 'created_at', 'expires_at'] as const),
  sql<unknown>`case when answer is null then result end`.as('result'),
] as const

const oneClaimWithKey = preparedRead((db, seen: SeenKey & { readonly route: string; readonly key: string }) =>
  inForce(db, seen)
    .leftJoinLateral(
      eb =>
        eb
          .selectFrom('idempotency_keys as i')
          .select(COLUMNS)
          .whereRef('i.org_id', '=', 'k.org_id')
          .whereRef('i.principal_id', '=', 'k.id')
          .where('i.route', '=', seen.route)
          .where('i.key', '=', seen.key)
          .as('i'),
      join => join.onTrue(),
    )
    .selectAll('i'),
)

const oneClaim = preparedRead(
  (db, { org, principal, route, key }: { org: string; principal: string; route: string; key: string }) =>
    db
      .selectFrom('idempotency_keys')
      .select(COLUMNS)
      .where('org_id', '=', org)
      .where('principal_id', '=', principal)
      .where('route', '=', route)
      .where('key', '=', key),
)

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
