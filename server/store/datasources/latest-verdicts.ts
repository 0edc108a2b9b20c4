/**
 * The latest verdict of a datasource, stored in its row. A worker of the last release writes only the verification's
 * id: its details then come from the verification's row, and are copied to the datasource before that row is deleted
 * for its age.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'

/** The columns that this file reads. */
interface Shown {
  readonly id: string
  readonly verification_id: string | null
  readonly latest_id: string | null
  readonly checks: Check[] | null
  readonly advisories: Advisory[] | null
}

/** The rows with their latest verdict, including verdicts stored only in a verification's row. */
export async function withLatest<T extends Shown>(
  db: Db,
  org: string,
  rows: readonly T[],
): Promise<Omit<T, 'latest_id'>[]> {
  const lacking = rows.flatMap(row => (row.verification_id === row.latest_id ? [] : (row.verification_id ?? [])))
  const found = lacking.length === 0 ? [] : await verificationsOf(db, org, lacking)
  const byId = new Map(found.map(one => [one.id, one]))
  return rows.map(({ latest_id: latestId, ...row }) => {
    if (row.verification_id === latestId) return row
    const { checks = null, advisories = null } = byId.get(row.verification_id ?? '') ?? {}
    return { ...row, checks, advisories }
  })
}

function verificationsOf(db: Db, org: string, ids: readonly string[]) {
  return db
    .selectFrom('verifications')
    .select(['id', 'checks', 'advisories'])
    .where('org_id', '=', org)
    .where('id', '=', sql<string>`any (${sql.val(ids)}::uuid[])`)
    .execute()
}
