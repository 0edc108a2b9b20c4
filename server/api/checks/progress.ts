/**
 * `datasources.progress`: how far the check of a datasource that is running has come. For showing the checklist while it is
 * worked through; the verdict is in `datasources.get`, and nothing may be decided by this.
 */
import type { KnownContext } from '#server/api/context.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as checkProgress from '#server/store/tasks/check-progress.ts'
import type { DatasourceId } from '#shared/base/wire.ts'
import { DIAL_ITEMS } from '#shared/checks/items.ts'
import type { CheckProgress } from '#shared/checks/progress.ts'

/** The items that are done with, in their order. Throws `entity_not_found` for a datasource that is not there any more. */
export async function progress(ctx: KnownContext, { id }: { readonly id: DatasourceId }): Promise<CheckProgress> {
  const { deps, principal } = ctx
  const row = await requireDatasource(ctx, id)
  requireScope(principal, 'datasources.read', { datasourceId: row.id })
  const of = { datasourceId: row.id, now: deps.clock() }
  const reached = await checkProgress.read(deps.db, principal.organizationId, of)
  const done = reached === undefined || reached === null ? 0 : DIAL_ITEMS.indexOf(reached) + 1
  return { isRunning: reached !== undefined, reached: DIAL_ITEMS.slice(0, done) }
}
