/**
 * Which task a line of the log is about: what every line of a failure of one holds, beside its stage. The loops call it.
 */
import type { Claim } from '#server/store/tasks/claims.ts'

/** The task's id and kind, its organization, and its datasource where it has one. */
export function aboutTask(claim: Pick<Claim, 'id' | 'kind' | 'organizationId' | 'datasourceId'>) {
  const { id: taskId, kind: task, organizationId, datasourceId } = claim
  return { taskId, task, organizationId, datasourceId }
}
