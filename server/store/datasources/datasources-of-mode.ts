/**
 * Reads the datasources of one mode of an organization in bounded
 * batches, for operations on all of them.
 */

import type { Db } from '#server/store/tables/tables.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Kind } from '#shared/datasources/datasource.ts'

/**
 * At most `limit` live datasources of a mode, oldest first, restricted to a kind and a latest registration time if
 * given.
 */
export function someOf(db: Db, org: string, which: { mode: Mode; kind?: Kind; limit: number; until?: Date }) {
  const { mode, kind, limit, until } = which
  let query = db.selectFrom('datasources').select(['id', 'kind']).where('org_id', '=', org).where('mode', '=', mode)
  if (kind !== undefined) query = query.where('kind', '=', kind)
  if (until !== undefined) query = query.where('created_at', '<=', until)
  return query.where('deleted_at', 'is', null).orderBy('id').limit(limit).execute()
}
