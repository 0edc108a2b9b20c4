/** Changes what is not secret of a datasource: name, metadata, schema, excluded schemas. */
import type { z } from 'zod'
import { directIdentity } from '#server/domain/identity.ts'
import * as audit from '#server/store/audit.ts'
import * as changes from '#server/store/changes.ts'
import * as datasources from '#server/store/datasources.ts'
import { transaction } from '#server/store/db.ts'
import * as tasks from '#server/store/tasks.ts'
import type { Datasource, UpdateInput } from '#shared/datasource.ts'
import { Fault } from '#shared/fault.ts'
import { eventOf, type KnownContext } from './context.ts'
import { once } from './once.ts'
import { changeable } from './present.ts'
import { checked, verifyTask } from './verdict.ts'

type Update = z.output<typeof UpdateInput>

/** Updates it. A new schema is a new natural key, and makes the check due. Throws `conflict` where that key is taken. */
export async function update(ctx: KnownContext, input: Update): Promise<Datasource> {
  const row = await changeable(ctx, input.id, 'datasources.update')
  const isPlaced = input.schema !== undefined || input.excludedSchemas !== undefined
  if (row.kind === 'endpoint' && isPlaced) {
    const message = 'An endpoint has no schema.'
    throw new Fault('invalid_body', { issues: [{ path: ['schema'], code: 'wrong_kind', message }] })
  }
  return once(ctx, {
    path: 'datasources.update',
    input,
    effect: within => apply(within, row, input),
    answer: (within, { id }) => checked(within, { id, request: 0, waitSeconds: 0 }),
    rings: ['work', 'news'],
  })
}

async function apply(ctx: KnownContext, row: datasources.DatasourceRow, input: Update): Promise<{ id: string }> {
  const org = ctx.principal.organizationId
  const now = ctx.parts.clock()
  const isMoved = input.schema !== undefined && input.schema !== row.schema
  const identity = isMoved && row.identity !== null ? directIdentity({ ...row, schema: input.schema }) : undefined
  const set = {
    ...(input.name === undefined ? {} : { name: input.name }),
    ...(input.metadata === undefined ? {} : { metadata: JSON.stringify(input.metadata) }),
    ...(input.schema === undefined ? {} : { schema: input.schema }),
    ...(input.excludedSchemas === undefined ? {} : { excluded_schemas: input.excludedSchemas }),
    ...(identity === undefined ? {} : { identity }),
  }
  await transaction(ctx.parts.db, async tx => {
    if ((await datasources.lock(tx, org, { id: row.id })) === undefined) throw new Fault('entity_not_found')
    const taken = identity === undefined ? undefined : await datasources.lock(tx, org, { identity })
    if (taken !== undefined && taken.id !== row.id) throw new Fault('conflict')
    if (Object.keys(set).length > 0) await datasources.update(tx, org, { id: row.id, set })
    await audit.append(
      tx,
      org,
      eventOf(ctx, { action: 'datasource.updated', objectKind: 'datasource', objectId: row.id }),
    )
    await changes.append(tx, org, { datasourceId: row.id, change: 'updated', at: now })
    if (isMoved) await tasks.request(tx, org, verifyTask(ctx, row.id))
  })
  return { id: row.id }
}
