/**
 * Removes a datasource: the record stays for audit, and the credential's bytes are destroyed in the same transaction.
 * Its tasks end with it.
 */

import type { z } from 'zod'
import { eventOf, type KnownContext } from '#server/api/context.ts'
import { idempotent } from '#server/api/procedure/idempotent.ts'
import { requireChangeable } from '#server/api/procedure/require-datasource.ts'
import { toResponse } from '#server/api/responses/datasource.ts'
import * as audit from '#server/store/access/audit.ts'
import * as changes from '#server/store/database/changes.ts'
import { transaction } from '#server/store/database/db.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { RemoveInput } from '#shared/datasources/datasource-change.ts'
import { Fault } from '#shared/faults/fault.ts'

/** Removes it and returns its last state. Throws `entity_not_found` for one that is already removed. */
export async function remove(ctx: KnownContext, input: z.output<typeof RemoveInput>): Promise<Datasource> {
  const removed = async (inside: KnownContext) => {
    const row = await requireChangeable(inside, input.id, 'datasources.remove')
    const now = inside.deps.clock()
    await removeRow(inside, row.id, now)
    return toResponse({ ...row, deleted_at: now, next_check_at: null })
  }
  return idempotent({ ctx, path: 'datasources.remove', input }, removed, { wakes: ['news'] })
}

async function removeRow(ctx: KnownContext, id: string, now: Date): Promise<void> {
  const org = ctx.principal.organizationId
  await transaction(ctx.deps.db, async tx => {
    if ((await lockDatasource(tx, org, { id })) === undefined) throw new Fault('entity_not_found')
    await datasources.remove(tx, org, { id, now })
    await audit.append(tx, org, eventOf(ctx, { action: 'datasource.removed', objectKind: 'datasource', objectId: id }))
    changes.append(tx, org, { datasourceId: id, change: 'removed', at: now })
  })
}
