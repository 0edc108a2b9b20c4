/**
 * Asks for a datasource's check, and answers the datasource once the check has ended or the caller's patience has.
 * The check itself is the worker's.
 */

import type { KnownContext } from '#server/api/context.ts'
import { present } from '#server/api/responses/present.ts'
import { newId } from '#server/domain/access/ids.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { noteWait } from '#server/store/tasks/waits.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import { Fault } from '#shared/faults/fault.ts'
import { awaited } from './wait.ts'

/** A datasource and the number of the request for its check; 0 when none was made. */
export interface Checked {
  readonly id: string
  readonly request: number
}

/** The standing task that verifies a datasource, due now. */
export function verifyTask(ctx: KnownContext, datasourceId: string) {
  return { id: newId(), kind: 'verify' as const, datasourceId, now: ctx.parts.clock() }
}

/** The standing task that compares a pending credential with the one in force, due now, and the check that may follow it. */
export function compareTask(ctx: KnownContext, datasourceId: string) {
  return { id: newId(), checkId: newId(), datasourceId, now: ctx.parts.clock() }
}

/** The datasource, after its check if the caller wants to wait for that and the check ends in time. */
export async function checked(ctx: KnownContext, of: Checked & { waitSeconds: number }): Promise<Datasource> {
  const { parts, principal } = ctx
  const org = principal.organizationId
  if (of.waitSeconds > 0) {
    const waitMs = of.waitSeconds * 1000
    const until = new Date(parts.clock().getTime() + waitMs)
    let isNoted = false
    await awaited(ctx, waitMs, async () => {
      const settled = await tasks.settledRequest(parts.db, org, { datasourceId: of.id, kind: 'verify' })
      if (settled >= of.request) return true
      if (!isNoted) {
        isNoted = true
        await noteWait(parts.db, org, { datasourceId: of.id, until })
        // A claim that met the row meanwhile has passed it over.
        parts.signals.ring('work')
      }
      return undefined
    })
  }
  const row = await datasources.find(parts.db, org, { id: of.id, includeRemoved: true })
  if (row === undefined) throw new Fault('entity_not_found')
  return present(row)
}
