/**
 * `datasources.progress`: how far the running check of a datasource has come, for displaying the checklist during the
 * check. The verdict is in `datasources.get`; nothing may be decided on the progress.
 */
import type { KnownContext } from '#server/api/context.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as checkProgress from '#server/store/tasks/check-progress.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { DIAL_ITEMS } from '#shared/checks/items.ts'
import type { CheckProgress } from '#shared/checks/progress.ts'

/** The completed items, in order. Throws `entity_not_found` for a datasource that no longer exists. */
export async function progress(ctx: KnownContext, { id }: { readonly id: DatasourceId }): Promise<CheckProgress> {
  const { deps, principal } = ctx
  const row = await requireDatasource(ctx, id)
  requireScope(principal, 'datasources.read', { datasourceId: row.id })
  const of = { datasourceId: row.id, now: deps.clock() }
  const reached = await checkProgress.read(ctx.db, principal.organizationId, of)
  const done = reached === undefined || reached === null ? 0 : DIAL_ITEMS.indexOf(reached) + 1
  return { isRunning: reached !== undefined, reached: DIAL_ITEMS.slice(0, done) }
}
