/**
 * Finds the row of a typed id for one caller: another organization's, a removed and a mistyped one are equally absent.
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
 * The row that a typed id names. Another organization's, a removed one's and a mistyped id all give `entity_not_found`.
 * The connections dialect shows bare UUIDs, so it ignores the prefix and never returns endpoints.
 */
export async function requireDatasource(
  ctx: KnownContext,
  id: DatasourceId,
  options: { includeRemoved?: boolean } = {},
): Promise<DatasourceRow> {
  const uuid = uuidOf(id, 'ds_', 'ds_test_', 'dse_')
  const row =
    uuid === null ? undefined : await datasources.find(ctx.db, ctx.principal.organizationId, { id: uuid, ...options })
  if (row === undefined) throw new Fault('entity_not_found')
  const fits = ctx.surface === 'connections' ? row.kind === 'direct' : datasourceId(row) === id
  if (!fits) throw new Fault('entity_not_found')
  return row
}

/**
 * As `requireDatasource`, for a change: the principal must be allowed to make it, and a key changes only its own mode.
 */
export async function requireChangeable(ctx: KnownContext, id: DatasourceId, scope: Scope): Promise<DatasourceRow> {
  const row = await requireDatasource(ctx, id)
  requireScope(ctx.principal, scope, { datasourceId: row.id, mode: row.mode })
  return row
}
