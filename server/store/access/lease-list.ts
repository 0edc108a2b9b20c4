/**
 * Lists the leases of a datasource, page by page.
 * `leases.ts` begins and ends them.
 */
import type { Db } from '#server/store/tables/tables.ts'
import type { LeaseRow } from './leases.ts'

/** A page of a datasource's leases, including ended ones, newest first. */
export function ofDatasource(
  db: Db,
  org: string,
  page: { datasourceId: string; olderThan: string | null; limit: number },
): Promise<LeaseRow[]> {
  const query = db
    .selectFrom('leases')
    .selectAll()
    .where('org_id', '=', org)
    .where('datasource_id', '=', page.datasourceId)
    .orderBy('id', 'desc')
    .limit(page.limit)
  return (page.olderThan === null ? query : query.where('id', '<', page.olderThan)).execute()
}
