/**
 * Reads a page of a feed: checks access and presents the events.
 * `feeds.list` and `feeds.watch` use it.
 */

import type { KnownContext } from '#server/api/context.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import type { DatasourceRow } from '#server/store/datasources/datasources.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The endpoint whose feed is requested. A direct datasource has no feed, so it is not found. */
export async function feedOf(ctx: KnownContext, id: DatasourceId): Promise<DatasourceRow> {
  const row = await requireDatasource(ctx, id)
  requireScope(ctx.principal, 'feeds.read', { datasourceId: row.id })
  if (row.kind !== 'endpoint') throw new Fault('entity_not_found')
  return row
}
