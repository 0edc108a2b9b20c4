/**
 * The append-only audit record: who did what to which object, and the outcome. It contains no secrets and no free text.
 * The roles of both tiers may not change or delete a row; the owner may. The web role inserts only through `record_1`,
 * which accepts acts of keys and capabilities of the organization and sets the time itself.
 */

import { type RawBuilder, sql } from 'kysely'
import { newId } from '#server/domain/access/ids.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Actor, UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** An event of a unit of work, which has the actor and the time. */
export interface AuditEntry {
  readonly action: string
  readonly objectKind: string | null
  readonly objectId: string | null
  /** The code of a fault; `ok` if it is left out. */
  readonly outcome?: string
}

/** One row of the audit record. */
export interface AuditRow extends AuditEntry {
  readonly id: string
  readonly actor: Actor
  readonly outcome: string
  readonly at: Date
}

/** The row of an event. */
function rowOf({ actor, now }: UnitOfWork, entry: AuditEntry): AuditRow {
  return { id: newId(), actor, outcome: 'ok', at: now, ...entry }
}

/** The columns of one event. */
function auditRow(org: string, event: AuditRow) {
  return {
    org_id: org,
    id: event.id,
    at: event.at,
    principal_kind: event.actor.kind,
    principal_id: event.actor.id,
    action: event.action,
    object_kind: event.objectKind,
    object_id: event.objectId,
    outcome: event.outcome,
    request_id: event.actor.requestId,
    address: event.actor.address,
  }
}

/** Appends one event, in the transaction that it records. */
export async function append(unit: UnitOfWork, entry: AuditEntry): Promise<void> {
  const { tx, org } = unit
  const event = rowOf(unit, entry)
  if (!isOfCaller(event)) return insertAll(tx, [auditRow(org, event)])
  await sql`select ${recorded(org, event)}`.execute(tx)
}

/**
 * Records a refusal in a statement of its own. Does nothing for an organization that is moving, since its record is
 * being copied.
 */
export async function appendAlone(db: Db, org: string, event: AuditRow): Promise<void> {
  await sql`select ${recorded(org, event)} where ${mayWrite({ organizationId: org, phase: 'begins' })}`.execute(db)
}

function recorded(org: string, event: AuditRow): RawBuilder<unknown> {
  const { actor } = event
  return sql`record_1(${org}, ${event.id}, ${event.at}, ${actor.kind}, ${actor.id}, ${event.action}, ${event.objectKind},
    ${event.objectId}, ${event.outcome}, ${actor.requestId}, ${actor.address})`
}

const ROWS_AT_ONCE = 1_000

/** Appends many events, in the transaction that they record. */
export async function appendAll(unit: UnitOfWork, entries: readonly AuditEntry[]): Promise<void> {
  const { tx, org } = unit
  const events = entries.map(entry => rowOf(unit, entry))
  const rows = events.map(event => auditRow(org, event))
  const isCallers = events.every(isOfCaller)
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE)
    await (isCallers ? recordAll : insertAll)(tx, rows.slice(at, at + ROWS_AT_ONCE))
}

function isOfCaller({ actor }: AuditRow): boolean {
  return actor.kind === 'key' || actor.kind === 'capability'
}

type Row = ReturnType<typeof auditRow>

async function insertAll(tx: Db, rows: Row[]): Promise<void> {
  await tx.insertInto('audit_events').values(rows).execute()
}

async function recordAll(tx: Db, rows: readonly Row[]): Promise<void> {
  await sql`
    select record_1(e.org_id, e.id, e.at, e.principal_kind, e.principal_id, e.action, e.object_kind, e.object_id, e.outcome,
      e.request_id, e.address)
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as e (org_id uuid, id uuid, at timestamptz, principal_kind text,
      principal_id uuid, action text, object_kind text, object_id uuid, outcome text, request_id text, address text)
  `.execute(tx)
}

/** The filter of a page of the audit record. */
export interface AuditFilter {
  readonly limit: number
  readonly olderThan?: string | undefined
  readonly action?: string | undefined
  readonly outcome?: string | undefined
  readonly objectId?: string | undefined
}

/** Events, newest first. */
export function list(db: Db, org: string, filter: AuditFilter) {
  let query = db
    .selectFrom('audit_events')
    .select(['id', 'at', 'principal_kind', 'principal_id', 'action', 'object_kind', 'object_id', 'outcome'])
    .select(['request_id', 'address'])
    .where('org_id', '=', org)
    .orderBy('id', 'desc')
    .limit(filter.limit)
  if (filter.olderThan !== undefined) query = query.where('id', '<', filter.olderThan)
  if (filter.action !== undefined) query = query.where('action', '=', filter.action)
  if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome)
  if (filter.objectId !== undefined) query = query.where('object_id', '=', filter.objectId)
  return query.execute()
}
