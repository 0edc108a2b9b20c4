/**
 * Changes the non-secret properties of a datasource: name, metadata, schema, excluded schemas. Credentials are changed
 * in `rotate.ts`.
 */

import type { z } from 'zod'
import { asCaller, type KnownContext } from '#server/api/context.ts'
import { awaitVerification, verifyTask } from '#server/api/procedure/await-verification.ts'
import { idempotentAs } from '#server/api/procedure/idempotent.ts'
import { requireChangeable } from '#server/api/procedure/require-datasource.ts'
import * as audit from '#server/store/access/audit.ts'
import * as changes from '#server/store/database/changes.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { directNaturalKey } from '#shared/base/datasource-name.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { UpdateInput } from '#shared/datasources/datasource-change.ts'
import { Fault } from '#shared/faults/fault.ts'

type Update = z.output<typeof UpdateInput>

/**
 * Updates it. A new schema means a new natural key, and makes the check due. Throws `conflict` if that key is taken.
 */
export async function update(ctx: KnownContext, input: Update): Promise<Datasource> {
  return idempotentAs({ ctx, path: 'datasources.update', input }, inside => change(inside, input), {
    answer: (inside, { id }) => awaitVerification(inside, { id, request: 0, waitSeconds: 0 }),
    wakes: ['work', 'news'],
  })
}

async function change(ctx: KnownContext, input: Update): Promise<{ id: string }> {
  const row = await requireChangeable(ctx, input.id, 'datasources.update')
  const isPlaced = input.schema !== undefined || input.excludedSchemas !== undefined
  if (row.kind === 'endpoint' && isPlaced) {
    const message = 'An endpoint has no schema.'
    throw new Fault('invalid_body', { issues: [{ path: ['schema'], code: 'wrong_kind', message }] })
  }
  return apply(ctx, input, row.id)
}

async function apply(ctx: KnownContext, input: Update, id: string): Promise<{ id: string }> {
  await asCaller(ctx, async unit => {
    const held = await lockDatasource(unit, { id })
    if (held === undefined) throw new Fault('entity_not_found')
    const isMoved = input.schema !== undefined && input.schema !== held.schema
    const set = {
      ...(input.name === undefined ? {} : { name: input.name }),
      ...(input.metadata === undefined ? {} : { metadata: JSON.stringify(input.metadata) }),
      ...(input.schema === undefined ? {} : { schema: input.schema }),
      ...(input.excludedSchemas === undefined ? {} : { excluded_schemas: input.excludedSchemas }),
      ...(isMoved && held.identity !== null ? { identity: directNaturalKey({ ...held, schema: input.schema }) } : {}),
    }
    if (Object.keys(set).length > 0) await datasources.update(unit, { id, set, changedAt: unit.now })
    await audit.append(unit, { action: 'datasource.updated', objectKind: 'datasource', objectId: id })
    changes.append(unit, { datasourceId: id, change: 'updated' })
    if (isMoved) await tasks.request(unit, verifyTask(id))
  })
  return { id }
}
