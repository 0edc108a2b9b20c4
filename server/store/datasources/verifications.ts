/**
 * The verifications of a datasource, for callers who page them.
 * `verdicts.ts` writes them, and keeps a bounded number of each datasource.
 */
import type { Db } from '#server/store/tables/tables.ts'

/** A page of one datasource. Ids are in the order of time. */
export interface VerificationFilter {
  readonly datasourceId: string
  readonly olderThan?: string | undefined
  readonly limit: number
}

/** Verifications, newest first. */
export function list(db: Db, org: string, filter: VerificationFilter) {
  const query = db
    .selectFrom('verifications')
    .select(['id', 'at', 'outcome', 'reason', 'checks', 'advisories', 'took_ms', 'version'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', filter.datasourceId)
    .orderBy('id', 'desc')
    .limit(filter.limit)
  return (filter.olderThan === undefined ? query : query.where('id', '<', filter.olderThan)).execute()
}
