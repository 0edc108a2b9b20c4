/**
 * Writes a verdict and all that follows from it, in one statement: a check is made again and again for every datasource, and
 * its round trips to our own database would cost as much as the dial. The worker calls it.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Standing } from '#server/domain/datasources/status.ts'
import type { SignedVerdict } from '#server/domain/datasources/verdict.ts'
import { append, appended } from '#server/store/database/changes.ts'
import { isTransaction } from '#server/store/database/db.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type Claim, isHeld, settledColumns } from '#server/store/tasks/claims.ts'
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
export interface Settlement {
  readonly verdict: Verdict
  /** Of the tried credential as it must be now; of another state, it is no longer what this verdict is about. */
  readonly state: 'pending' | 'current' | 'retired'
  /** Where it is from now on. */
  readonly after: Standing
  /** Why, as it is shown. */
  readonly reason: string | null
  /** What lets the credential in force be used from now on; null to leave what is there, for a verdict on another one. */
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
 * that was waited for reads its row anew, so that one statement is as good as several.
 */
export async function settle(db: Db, claim: Claim, of: Settlement): Promise<void> {
  const { verdict, state, after, signed, dueAt, failed } = of
  const { organizationId: org } = claim
  const { datasourceId: id, version, checks, advisories, tookMs, at } = verdict
  const change = { datasourceId: id, change: 'verified', at } as const
  // In a transaction the change is written last of all, before its commit.
  const alone = !isTransaction(db)
  const { rows } = await sql`
    with held as (
      select id from datasources where org_id = ${org} and id = ${id} and deleted_at is null for no key update
    ), settled as (
      update tasks set ${settledColumns(claim, { dueAt, now: at, failed })}
      where ${isHeld(claim)} and exists (select from held)
      returning id
    ), tried as (
      select version from credentials
      where org_id = ${org} and datasource_id = ${id} and version = ${version} and state = ${state}
        and exists (select from settled)
      for share
    ), recorded as (
      insert into verifications (org_id, id, datasource_id, version, outcome, reason, checks, advisories, took_ms, at)
      select ${org}, ${verdict.id}::uuid, ${id}::uuid, version, ${verdict.outcome}, ${verdict.reason},
        ${JSON.stringify(checks)}::jsonb, ${JSON.stringify(advisories)}::jsonb, ${tookMs}::integer, ${at}::timestamptz
      from tried returning id
    ), moved as (
      update datasources set
        ${signedColumns(signed)} status = ${after.status}, ${latestColumns(of)}
        refusals = ${after.refusals}::smallint, refused_at = ${after.refusedAt}::timestamptz,
        next_check_at = ${dueAt}::timestamptz,
        verified_at = case when ${verdict.outcome} = 'passed' then ${at}::timestamptz else verified_at end
      where org_id = ${org} and id = ${id} and exists (select from recorded)
      returning id
    ), forgotten as (${oldest(org, id)} and exists (select from recorded) returning id
    ), introspected as (${introspected(org, of)}
    ) ${alone ? sql`, ${appended(org, change, { of: 'recorded', others: ['moved', 'forgotten', 'introspected'] })}` : sql``}
    select id from recorded
  `.execute(db)
  if (rows.length === 1 && !alone) append(db, org, change)
}

function introspected(org: string, { verdict, introspection, dueAt }: Settlement): RawBuilder<unknown> {
  return sql`insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at, requested)
    select ${org}, ${introspection}::uuid, 'introspect', ${verdict.datasourceId}::uuid, true, ${dueAt}::timestamptz,
      ${verdict.at}::timestamptz, 0
    from recorded where ${introspection}::uuid is not null
    on conflict (org_id, datasource_id, kind) where standing do update set due_at = excluded.due_at where tasks.due_at is null
    returning id`
}

/** The oldest beyond `MAX_VERIFICATIONS`, with the one that is recorded now. */
function oldest(org: string, id: string): RawBuilder<unknown> {
  return sql`delete from verifications
    where org_id = ${org} and id in (
      select id from verifications where org_id = ${org} and datasource_id = ${id}
      order by at desc offset ${MAX_VERIFICATIONS - 1} limit ${FORGOTTEN_AT_ONCE})
    and id is distinct from (select verification_id from datasources where org_id = ${org} and id = ${id})`
}

/** The reason that is shown and the verdict that is kept; those of a check that could not be made only where there are none. */
function latestColumns({ verdict, reason, isMade }: Settlement): RawBuilder<unknown> {
  const columns = [
    ['status_reason', sql`${reason}::text`],
    ...latestOf(verdict),
    // Read by the release before.
    ['verification_id', sql`${verdict.id}::uuid`],
  ] as const
  const each = columns.map(([name, value]) =>
    isMade
      ? sql`${sql.ref(name)} = ${value},`
      : sql`${sql.ref(name)} = case when verification_id is null then ${value} else ${sql.ref(name)} end,`,
  )
  return sql.join(each, sql` `)
}

function latestOf(verdict: Verdict) {
  return [
    ['latest_id', sql`${verdict.id}::uuid`],
    ['latest_version', sql`${verdict.version}::integer`],
    ['latest_outcome', sql`${verdict.outcome}::text`],
    ['latest_reason', sql`${verdict.reason}::text`],
    ['latest_checks', sql`${JSON.stringify(verdict.checks)}::jsonb`],
    ['latest_advisories', sql`${JSON.stringify(verdict.advisories)}::jsonb`],
    ['latest_took_ms', sql`${verdict.tookMs}::integer`],
    ['latest_at', sql`${verdict.at}::timestamptz`],
  ] as const
}

function signedColumns(signed: SignedVerdict | null): RawBuilder<unknown> {
  if (signed === null) return sql``
  return sql`verdict_version = ${signed.version}::integer, verdict_usable = ${signed.usable}::boolean,
    usable_until = ${signed.usableUntil}::timestamptz, verdict_signer_id = ${signed.signerId},
    verdict_signature = ${signed.signature}::bytea, verdict_asked_at = null,`
}
