/**
 * Records refusals of known principals: who attempted something they may not do. If there are many, it records a
 * sample, so that nobody can fill the audit record by being refused.
 */

import type { Context, WebDeps } from '#server/api/context.ts'
import { newId } from '#server/domain/access/ids.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import * as audit from '#server/store/access/audit.ts'
import type { Fault } from '#shared/faults/fault.ts'
import { faultSpec } from '#shared/faults/fault.ts'

/** A refused call and its caller. */
export interface RefusedCall {
  readonly principal: Principal
  /** A procedure's path, or a route. */
  readonly action: string
  readonly fault: Fault
  readonly requestId: string
  readonly address: string | null
}

/** The database and the dependencies of a recording, as a context has them. */
type Recording = Pick<Context, 'db'> & { readonly deps: Pick<WebDeps, 'clock' | 'refusals' | 'log'> }

/**
 * Records a refusal. Our own failures are not refusals; a refusal that cannot be recorded is logged, and the answer
 * stays the same.
 */
export async function recordRefusal(
  { db, deps }: Recording,
  { principal, action, fault, requestId, address }: RefusedCall,
): Promise<void> {
  const now = deps.clock()
  if (faultSpec(fault.code).status >= 500 || !deps.refusals.admits(principal.id, now)) return
  const actor = { kind: principal.kind, id: principal.id, requestId, address }
  const event = { id: newId(), actor, action, objectKind: null, objectId: null, outcome: fault.code, at: now }
  try {
    await audit.appendAlone(db, principal.organizationId, event)
  } catch (cause) {
    deps.log.error(
      { requestId, organizationId: principal.organizationId, stage: 'audit', cause },
      'a refusal was not recorded',
    )
  }
}
