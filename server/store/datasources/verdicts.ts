/**
 * Records a verdict and its consequences through one database function: every datasource is checked again and again,
 * and separate round trips to our own database would cost as much as the dial. The worker calls it.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Standing } from '#server/domain/datasources/status.ts'
import type { SignedVerdict } from '#server/domain/datasources/verdict.ts'
import type { Marks } from '#server/store/credentials/credential-marks.ts'
import { append } from '#server/store/database/changes.ts'
import { isTransaction } from '#server/store/database/db.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import { type FaultCode, isFaultCode } from '#shared/faults/fault.ts'

/**
 * The number of verifications kept per datasource; the oldest are deleted, except the one that the datasource shows.
 */
export const MAX_VERIFICATIONS = 100
// More than one, so that the surplus that an earlier release kept shrinks too.
const FORGOTTEN_AT_ONCE = 20

/** A verdict to record. `version` is that of the tried credential. */
export interface Verdict {
  readonly id: string
  readonly datasourceId: string
  readonly version: number
  readonly outcome: 'passed' | 'refused' | 'unreachable'
  readonly reason: string | null
  readonly checks: readonly Check[]
  readonly advisories: readonly Advisory[]
  readonly tookMs: number
  readonly at: Date
}

/** A verdict and its consequences. */
export interface SettledVerification {
  readonly verdict: Verdict
  /** The state that the tried credential must still have; otherwise the verdict no longer applies to it. */
  readonly state: 'pending' | 'current' | 'retired'
  /** The new standing of the datasource. */
  readonly after: Standing
  /** The displayed reason. */
  readonly reason: string | null
  /**
   * The signed verdict that allows use of the current credential from now on; null keeps the existing one, if the
   * verdict is about another.
   */
  readonly signed: SignedVerdict | null
  /** The time of the next check; null for none by itself. */
  readonly dueAt: Date | null
  readonly failed: boolean
  /**
   * False for a check that could not be performed: it says nothing about the database and does not replace an earlier
   * check's reason.
   */
  readonly isMade: boolean
  /** The id for a standing introspection to create if none is due, due with the next check; null for none. */
  readonly introspection: string | null
  /** The values to write to the tried credential, if it still has that state; null or omitted if nothing changed. */
  readonly marks?: Marks | null
}

/** The time at which a credential version was last verified, and the fault found; null if it never was. */
export async function last(
  db: Db,
  org: string,
  credential: { datasourceId: string; version: number },
): Promise<{ at: Date; reason: FaultCode | null } | null> {
  const row = await db
    .selectFrom('verifications')
    .select(['at', 'reason'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', credential.datasourceId)
    .where('version', '=', credential.version)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return summaryOf(row ?? (await lastOfLatest(db, org, credential)))
}

/** As `last`, from the datasource's latest verdict, whose verification may have been deleted for its age. */
function lastOfLatest(db: Db, org: string, { datasourceId, version }: { datasourceId: string; version: number }) {
  return db
    .selectFrom('datasources')
    .select(eb => [eb.ref('latest_at').$notNull().as('at'), 'latest_reason as reason'])
    .where('org_id', '=', org)
    .where('id', '=', datasourceId)
    .where('latest_version', '=', version)
    .executeTakeFirst()
}

function summaryOf(row: { at: Date; reason: string | null } | undefined) {
  if (row === undefined) return null
  return { at: row.at, reason: row.reason !== null && isFaultCode(row.reason) ? row.reason : null }
}

/**
 * Settles the claim and records the verdict: the verification, the datasource's status, and the change for subscribers.
 * Writes nothing if the datasource was removed or the claim was lost. If another credential arrived meanwhile, settles
 * only the claim; the new credential requested a check, so the task is due again.
 *
 * Locks the datasource, its task, the tried credential and the head of the changes, in the global lock order. After
 * waiting for a lock, it reads the row again.
 */
export async function settle(db: Db, claim: Claim, settled: SettledVerification): Promise<void> {
  const { verdict, state, after, signed, marks = null } = settled
  const { organizationId: org } = claim
  const { datasourceId: id, at } = verdict
  const change = { datasourceId: id, change: 'verified' } as const
  // In a transaction, the change is written last, just before the commit.
  const epoch = isTransaction(db) ? null : at.getTime()
  const { rows } = await sql<{ outcome: string | null }>`
    select case when ${mayWrite({ organizationId: org, phase: 'ends' })} then case when ${marks === null ? sql`true` : marked(claim, { verdict, state, marks })} then settle_check_1(
      ${org}::uuid, ${claim.id}::uuid, ${claim.token}::bigint, ${claim.requested}::bigint, ${claim.attempts}::integer,
      ${settled.failed}::boolean, ${settled.dueAt}::timestamptz, ${id}::uuid, ${verdict.version}::integer, ${state}::text,
      ${verdict.id}::uuid, ${verdict.outcome}::text, ${verdict.reason}::text, ${JSON.stringify(verdict.checks)}::jsonb,
      ${JSON.stringify(verdict.advisories)}::jsonb, ${verdict.tookMs}::integer, ${at}::timestamptz,
      ${after.status}::text, ${settled.reason}::text, ${after.refusals}::integer, ${after.refusedAt}::timestamptz, ${settled.isMade}::boolean,
      ${signed?.version ?? null}::integer, ${signed?.usable ?? null}::boolean, ${signed?.usableUntil ?? null}::timestamptz,
      ${signed?.signerId ?? null}::text, ${signed?.signature ?? null}::bytea,
      ${settled.introspection}::uuid, ${MAX_VERIFICATIONS}::integer, ${FORGOTTEN_AT_ONCE}::integer, ${epoch}::bigint) end end as outcome
  `.execute(db)
  if (rows[0]?.outcome === 'recorded' && epoch === null) append({ tx: db, org, now: at }, change)
}

/** Whether the claim is held; if so, writes the marks. Nested in a `case`, which fixes what runs first. */
function marked(
  { organizationId, id, token }: Claim,
  { verdict, state, marks }: Pick<SettledVerification, 'verdict' | 'state'> & { marks: Marks },
): RawBuilder<boolean> {
  const { fingerprint, md5Allowed, loginHash, resealed } = marks
  return sql`mark_checked_1(
    ${organizationId}::uuid, ${id}::uuid, ${token}::bigint, ${verdict.datasourceId}::uuid, ${verdict.version}::integer, ${state}::text,
    ${fingerprint?.text ?? null}::text, ${fingerprint?.keyId ?? null}::text, ${md5Allowed}::boolean, ${loginHash}::bytea,
    ${resealed?.keyId ?? null}::uuid, ${resealed?.box ?? null}::bytea, ${resealed?.signerId ?? null}::text,
    ${resealed?.signature ?? null}::bytea)`
}
