/**
 * Claims on idempotency keys, and the answers that are replayed. A claim is inserted in the transaction of its effect: a
 * second request with the same key waits at the unique index until the first has committed or rolled back.
 */
import { sql } from 'kysely'
import type { Db, Tx } from './db.ts'

/** What a claim is on: one key of one principal on one route. */
export interface ClaimKey {
  readonly principalId: string
  readonly route: string
  readonly key: string
}

/** A claim that was made before. */
export interface KeptClaim {
  readonly bodyHash: Buffer
  readonly result: unknown
  /** Null while the first request is still waiting for its answer. */
  readonly answer: unknown
  readonly remarks: unknown
  readonly createdAt: Date
}

/**
 * Claims a key; null when it is claimed now, else the claim that stands. Waits for a claim under way, at most `waitMs`,
 * and is `busy` after that; the transaction is of no further use then. A claim that has expired is replaced.
 */
export async function claim(
  tx: Tx,
  org: string,
  entry: ClaimKey & { bodyHash: Buffer; now: Date; expiresAt: Date; waitMs: number },
): Promise<KeptClaim | 'busy' | null> {
  await sql`select set_config('lock_timeout', ${`${entry.waitMs}ms`}, true)`.execute(tx)
  const inserted = sql`
    insert into idempotency_keys (org_id, principal_id, route, key, body_hash, created_at, expires_at)
    values (${org}, ${entry.principalId}, ${entry.route}, ${entry.key}, ${entry.bodyHash}, ${entry.now}, ${entry.expiresAt})
    on conflict (org_id, principal_id, route, key) do update
      set body_hash = ${entry.bodyHash}, result = null, answer = null, remarks = null, created_at = ${entry.now}, expires_at = ${entry.expiresAt}
      where idempotency_keys.expires_at <= ${entry.now}
    returning key
  `
  const rows = await inserted.execute(tx).then(result => result.rows, busyOrThrow)
  if (rows === 'busy') return 'busy'
  return rows.length === 1 ? null : ((await find(tx, org, entry)) ?? null)
}

/** The claim on a key, if there is one. */
export async function find(db: Db, org: string, of: ClaimKey): Promise<KeptClaim | undefined> {
  const row = await db
    .selectFrom('idempotency_keys')
    .select(['body_hash', 'result', 'answer', 'remarks', 'created_at'])
    .where('org_id', '=', org)
    .where('principal_id', '=', of.principalId)
    .where('route', '=', of.route)
    .where('key', '=', of.key)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { body_hash: bodyHash, result, answer, remarks, created_at: createdAt } = row
  return { bodyHash, result, answer, remarks, createdAt }
}

/** Keeps what the effect came to, in its transaction, or the answer once there is one. */
export async function keep(
  db: Db,
  org: string,
  of: ClaimKey & { result?: unknown; answer?: unknown; remarks?: unknown },
): Promise<void> {
  await db
    .updateTable('idempotency_keys')
    .set({
      ...(of.result === undefined ? {} : { result: JSON.stringify(of.result) }),
      ...(of.answer === undefined ? {} : { answer: JSON.stringify(of.answer) }),
      ...(of.remarks === undefined ? {} : { remarks: JSON.stringify(of.remarks) }),
    })
    .where('org_id', '=', org)
    .where('principal_id', '=', of.principalId)
    .where('route', '=', of.route)
    .where('key', '=', of.key)
    .execute()
}

/** Gives a key back: what it was claimed for has come to no answer. */
export async function release(db: Db, org: string, of: ClaimKey): Promise<void> {
  await db
    .deleteFrom('idempotency_keys')
    .where('org_id', '=', org)
    .where('principal_id', '=', of.principalId)
    .where('route', '=', of.route)
    .where('key', '=', of.key)
    .execute()
}

/** Forgets claims that have expired, of every organization. */
export async function sweep(db: Db, now: Date): Promise<void> {
  await db.deleteFrom('idempotency_keys').where('expires_at', '<=', now).execute()
}

const LOCK_NOT_AVAILABLE = '55P03'

function busyOrThrow(error: unknown): 'busy' {
  if (error instanceof Error && Reflect.get(error, 'code') === LOCK_NOT_AVAILABLE) return 'busy'
  throw error
}
