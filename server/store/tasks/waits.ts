/**
 * Records callers who wait for a check: tasks with a waiting caller go before requested tasks without one. Called by
 * the API.
 */

import { sql } from 'kysely'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'

/**
 * Records until when a caller waits for a datasource's check, or for the comparison before it, which raises the task's
 * priority.
 */
export async function noteWait(
  db: Db,
  org: string,
  { until, datasourceId }: { datasourceId: string; until: Date },
): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ awaited_until: until })
    .where('org_id', '=', org)
    .where('datasource_id', '=', datasourceId)
    .where('standing', '=', sql.lit(true))
    .where('kind', 'in', ['verify', 'compare'])
    .whereRef('requested', '>', 'settled')
    .where(mayWrite({ organizationId: org, phase: 'ends' }))
    .execute()
}
