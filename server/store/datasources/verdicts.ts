/**
 * Writes a verdict and all that follows from it, by one function of the database: a check is made again and again for every datasource, and
 * its round trips to our own database would cost as much as the dial. The worker calls it.
 */
import { sql } from 'kysely'
import type { Standing } from '#server/domain/datasources/status.ts'
import type { SignedVerdict } from '#server/domain/datasources/verdict.ts'
import { append } from '#server/store/database/changes.ts'
import { isTransaction } from '#server/store/database/db.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import { type FaultCode, isFaultCode } from '#shared/faults/fault.ts'

/** The verifications of a datasource that are kept; the oldest go, but for the one that the datasource shows. */
export const MAX_VERIFICATIONS = 100
// More than one, so that what a release of before has kept goes as well.
const FORGOTTEN_AT_ONCE = 20

/** A verdict as it is recorded. `version` is of the credential that was tried. */
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

/** A verdict and what it leads to. */
export interface SettledVerification {
  readonly verdict: Verdict
  /** Of the tried credential as it must be now; of another state, it is no longer what this verdict is about. */
  readonly state: 'pending' | 'current' | 'retired'
  /** The new standing of the datasource. */
  readonly after: Standing
  /** Why, as it is shown. */
  readonly reason: string | null
  /** The signed verdict that allows the credential in force to be used from now on; null keeps the existing one, for a verdict on another credential. */
  readonly signed: SignedVerdict | null
  /** When to look again; null for never by itself. */
  readonly dueAt: Date | null
  readonly failed: boolean
  /** False for a check that could not be made: it says nothing of the database, and replaces the reason of none that was. */
  readonly isMade: boolean
  /** The id of the standing introspection to make where none is due, due with the next check; null for none. */
  readonly introspection: string | null
}

/** When a version of a credential was last judged, and the fault that was found; null when it never was judged. */
export async function last(
  db: Db,
  org: string,
  of: { datasourceId: string; version: number },
): Promise<{ at: Date; reason: FaultCode | null } | null> {
  const row = await db
    .selectFrom('verifications')
    .select(['at', 'reason'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', of.datasourceId)
    .where('version', '=', of.version)
    .orderBy('at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return told(row ?? (await lastOfLatest(db, org, of)))
}

/** The same of the latest verdict, whose verification may have gone by its age. */
function lastOfLatest(db: Db, org: string, of: { datasourceId: string; version: number }) {
  return db
    .selectFrom('datasources')
    .select(eb => [eb.ref('latest_at').$notNull().as('at'), 'latest_reason as reason'])
    .where('org_id', '=', org)
    .where('id', '=', of.datasourceId)
    .where('latest_version', '=', of.version)
    .executeTakeFirst()
}

function told(row: { at: Date; reason: string | null } | undefined) {
  if (row === undefined) return null
  return { at: row.at, reason: row.reason !== null && isFaultCode(row.reason) ? row.reason : null }
}

/**
 * Settles the claim and records the verdict: the verification, the datasource's status, the change for watchers. Nothing of it
 * where the datasource was removed or the claim was lost; where another credential came meanwhile the claim alone is settled,
 * and since that one asked for a check, the task is due again.
 *
 * Locks the datasource, its task, the tried credential and the head of the changes, in this order, which is everybody's. A lock
 * that was waited for reads its row anew.
 */
export async function settle(db: Db, claim: Claim, of: SettledVerification): Promise<void> {
  const { verdict, state, after, signed } = of
  const { organizationId: org } = claim
  const { datasourceId: id, at } = verdict
  const change = { datasourceId: id, change: 'verified', at } as const
  // In a transaction the change is written last of all, before its commit.
  const epoch = isTransaction(db) ? null : at.getTime()
  const { rows } = await sql<{ outcome: string | null }>`
    select case when ${mayWrite({ organizationId: org, phase: 'ends' })} then settle_check_1(
      ${org}::uuid, ${claim.id}::uuid, ${claim.token}::bigint, ${claim.requested}::bigint, ${claim.attempts}::integer,
      ${of.failed}::boolean, ${of.dueAt}::timestamptz, ${id}::uuid, ${verdict.version}::integer, ${state}::text,
      ${verdict.id}::uuid, ${verdict.outcome}::text, ${verdict.reason}::text, ${JSON.stringify(verdict.checks)}::jsonb,
      ${JSON.stringify(verdict.advisories)}::jsonb, ${verdict.tookMs}::integer, ${at}::timestamptz,
      ${after.status}::text, ${of.reason}::text, ${after.refusals}::integer, ${after.refusedAt}::timestamptz, ${of.isMade}::boolean,
      ${signed?.version ?? null}::integer, ${signed?.usable ?? null}::boolean, ${signed?.usableUntil ?? null}::timestamptz,
      ${signed?.signerId ?? null}::text, ${signed?.signature ?? null}::bytea,
      ${of.introspection}::uuid, ${MAX_VERIFICATIONS}::integer, ${FORGOTTEN_AT_ONCE}::integer, ${epoch}::bigint) end as outcome
  `.execute(db)
  if (rows[0]?.outcome === 'recorded' && epoch === null) append(db, org, change)
}
