/**
 * The append-only record: who did what to which object, and how it ended. No secret and no free text goes in; the
 * database refuses update and delete to whoever connects.
 */
import type { Db } from './db.ts'

/** Who acts: a key, a capability, an operator at the command line, or the worker. */
export interface Actor {
  readonly kind: 'key' | 'capability' | 'operator' | 'worker'
  readonly id: string | null
  readonly requestId: string | null
  readonly address: string | null
}

/** One row of the record. */
export interface AuditEvent {
  readonly id: string
  readonly actor: Actor
  readonly action: string
  readonly objectKind: string | null
  readonly objectId: string | null
  /** `ok`, or the code of the fault. */
  readonly outcome: string
  readonly at: Date
}

/** The columns of one event, for statements that write it together with what it is about. */
export function auditRow(org: string, event: AuditEvent) {
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

/** Appends one event, in the transaction of what it records. */
export async function append(tx: Db, org: string, event: AuditEvent): Promise<void> {
  await tx.insertInto('audit_events').values(auditRow(org, event)).execute()
}
