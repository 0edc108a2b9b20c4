/**
 * Removes a datasource: the record stays for audit, and the credential's bytes are destroyed in the same transaction.
 * Its tasks end with it.
 */

import type { z } from 'zod'
import { asCaller, type KnownContext } from '#server/api/context.ts'
import { idempotent } from '#server/api/procedure/idempotent.ts'
import { requireChangeable } from '#server/api/procedure/require-datasource.ts'
import { toResponse } from '#server/api/responses/datasource.ts'
import * as audit from '#server/store/access/audit.ts'
import * as changes from '#server/store/database/changes.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { RemoveInput } from '#shared/datasources/datasource-change.ts'
import { Fault } from '#shared/faults/fault.ts'

/** Removes it and returns its last state. Throws `entity_not_found` for one that is already removed. */
export async function remove(ctx: KnownContext, input: z.output<typeof RemoveInput>): Promise<Datasource> {
  const removed = async (inside: KnownContext) => {
    const row = await requireChangeable(inside, input.id, 'datasources.remove')
    const removedAt = await removeRow(inside, row.id)
    return toResponse({ ...row, deleted_at: removedAt, next_check_at: null })
  }
  return idempotent({ ctx, path: 'datasources.remove', input }, removed, { wakes: ['news'] })
}

/** Returns the time of the removal. */
async function removeRow(ctx: KnownContext, id: string): Promise<Date> {
  return asCaller(ctx, async unit => {
    if ((await lockDatasource(unit, { id })) === undefined) throw new Fault('entity_not_found')
    await datasources.remove(unit, id)
    await audit.append(unit, { action: 'datasource.removed', objectKind: 'datasource', objectId: id })
    changes.append(unit, { datasourceId: id, change: 'removed' })
    return unit.now
  })
}
