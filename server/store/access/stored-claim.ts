/**
 * Reads of claims on idempotency keys, alone or together with the API key of the request. `idempotency.ts` writes them;
 * nothing here waits for a claim that is being made.
 */
import { sql } from 'kysely'
import { preparedRead } from '#server/store/connection/prepared-read.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { inForce, type SeenKey } from './api-keys.ts'

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
 * The claim of an API key, read together with that key; undefined if what was seen of the key no longer holds. A `long`
 * claim is not read: the caller has not been admitted yet, and a refused request must cost little.
 */
export async function findWithKey(
  db: Db,
  seen: SeenKey,
  { route, key }: Omit<ClaimKey, 'principalId'>,
): Promise<{ readonly claim: FoundClaim | 'long' | undefined } | undefined> {
  const [row] = await oneClaimWithKey(db, { ...seen, route, key })
  if (row === undefined) return undefined
  if (row.is_long) return { claim: 'long' }
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

/** The maximum number of bytes of a claim that is read before its caller is admitted. */
export const MAX_AHEAD_BYTES = 16_384

const isLong = sql<boolean>`(coalesce(answer_bytes, 0) > ${sql.lit(MAX_AHEAD_BYTES)}
  or coalesce(pg_column_size(result), 0) > ${sql.lit(MAX_AHEAD_BYTES)})`

const SHORT_COLUMNS = [
  ...(['body_hash', 'answer_bytes', 'remarks', 'created_at', 'expires_at'] as const),
  sql<unknown>`case when not ${isLong} then answer end`.as('answer'),
  sql<unknown>`case when not ${isLong} and answer is null then result end`.as('result'),
  isLong.as('is_long'),
] as const

const oneClaimWithKey = preparedRead((db, seen: SeenKey & { readonly route: string; readonly key: string }) =>
  inForce(db, seen)
    .leftJoinLateral(
      eb =>
        eb
          .selectFrom('idempotency_keys as i')
          .select(SHORT_COLUMNS)
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
