/**
 * Typed id → row, for one caller: another caller's, a removed and a mistyped one are equally absent.
 * Procedures begin here.
 */

import type { KnownContext } from '#server/api/context.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import { datasourceId } from '#server/domain/datasources/datasource-name.ts'
import type { DatasourceRow } from '#server/store/datasources/datasources.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import type { Scope } from '#shared/access/credential.ts'
import { type DatasourceId, uuidOf } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'

/**
 * The row that a typed id names. Another organization's, a removed one's and a mistyped id are the same `entity_not_found`.
 * The connections dialect shows bare UUIDs, so there the prefix is not looked at, and endpoints do not occur.
 */
export async function requireDatasource(
  ctx: KnownContext,
  id: DatasourceId,
  options: { includeRemoved?: boolean } = {},
): Promise<DatasourceRow> {
  const uuid = uuidOf(id, 'ds_', 'ds_test_', 'dse_')
  const row =
    uuid === null
      ? undefined
      : await datasources.find(ctx.deps.db, ctx.principal.organizationId, { id: uuid, ...options })
  if (row === undefined) throw new Fault('entity_not_found')
  const fits = ctx.surface === 'connections' ? row.kind === 'direct' : datasourceId(row) === id
  if (!fits) throw new Fault('entity_not_found')
  return row
}

/** The same, to be changed: the principal must be allowed to, and a key changes only its own plane. */
export async function requireChangeable(ctx: KnownContext, id: DatasourceId, scope: Scope): Promise<DatasourceRow> {
  const row = await requireDatasource(ctx, id)
  requireScope(ctx.principal, scope, { datasourceId: row.id, mode: row.mode })
  return row
}
