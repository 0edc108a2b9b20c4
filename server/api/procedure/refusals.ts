/**
 * Records refusals of known principals: who is trying what he may not. When there are many, a sample of them, so that
 * nobody can fill the record by being refused.
 */

import type { WebDeps } from '#server/api/context.ts'
import { newId } from '#server/domain/access/ids.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import * as audit from '#server/store/access/audit.ts'
import type { Fault } from '#shared/faults/fault.ts'
import { faultSpec } from '#shared/faults/fault.ts'

/** What was refused, to whom. */
export interface Refusal {
  readonly principal: Principal
  /** A procedure's path, or a route. */
  readonly action: string
  readonly fault: Fault
  readonly requestId: string
  readonly address: string | null
}

/** Records a refusal. A failure of ours is none; and one that cannot be recorded is logged, since the answer stands. */
export async function recordRefusal(deps: WebDeps, of: Refusal): Promise<void> {
  const { principal, action, fault, requestId, address } = of
  const now = deps.clock()
  if (faultSpec(fault.code).status >= 500 || !deps.refusals.admits(principal.id, now)) return
  const actor = { kind: principal.kind, id: principal.id, requestId, address }
  const event = { id: newId(), actor, action, objectKind: null, objectId: null, outcome: fault.code, at: now }
  try {
    await audit.appendAlone(deps.db, principal.organizationId, event)
  } catch (cause) {
    deps.log.error(
      { requestId, organizationId: principal.organizationId, stage: 'audit', cause },
      'a refusal was not recorded',
    )
  }
}
