/**
 * The verifications of a datasource, for callers who page through them. `verdicts.ts` writes them, and keeps a bounded
 * number per datasource.
 */
import type { Db } from '#server/store/tables/tables.ts'

/** The filter of a page of one datasource's verifications. Ids are in time order. */
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
