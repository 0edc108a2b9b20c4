/**
 * Requests a datasource's check, and returns the datasource once the check has ended or the caller's wait is over. The
 * worker performs the check.
 */

import type { KnownContext } from '#server/api/context.ts'
import { toResponse } from '#server/api/responses/datasource.ts'
import { newId } from '#server/domain/access/ids.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { noteWait } from '#server/store/tasks/waits.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import { Fault } from '#shared/faults/fault.ts'
import { pollUntil } from './poll-until.ts'

/** A datasource and the number of its check request; 0 if none was made. */
export interface AwaitedVerification {
  readonly id: string
  readonly request: number
}

/** How long the caller waits, and whether the statement that requested the check has recorded that. */
interface Wait {
  readonly waitSeconds: number
  readonly isNoted?: boolean
}

/** The standing task that verifies a datasource, due now. */
export function verifyTask(datasourceId: string) {
  return { id: newId(), kind: 'verify' as const, datasourceId }
}

/** The datasource, after its check if the caller wants to wait for it and the check ends in time. */
export async function awaitVerification(
  ctx: KnownContext,
  { waitSeconds, id, request, ...wait }: AwaitedVerification & Wait,
): Promise<Datasource> {
  const { deps, principal } = ctx
  const org = principal.organizationId
  if (waitSeconds > 0) {
    const waitMs = waitSeconds * 1000
    const until = new Date(deps.clock().getTime() + waitMs)
    let { isNoted = false } = wait
    await pollUntil(ctx, waitMs, async () => {
      const settled = await tasks.settledRequest(ctx.db, org, { datasourceId: id, kind: 'verify' })
      if (settled >= request) return true
      if (!isNoted) {
        isNoted = true
        await noteWait(ctx.db, org, { datasourceId: id, until })
        // A claim that read the row in the meantime has skipped it.
        deps.notifications.ring('work')
      }
      return undefined
    })
  }
  const row = await datasources.find(ctx.db, org, { id, includeRemoved: true })
  if (row === undefined) throw new Fault('entity_not_found')
  return toResponse(row)
}
