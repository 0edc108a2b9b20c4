/**
 * Looks a datasource up by its natural key, for a registration that may exist already. It must never lock: the caller
 * locks by id what it changes.
 */
import { sql } from 'kysely'
import { preparedRead } from '#server/store/connection/prepared-read.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { completeRows, type DatasourceRow, selectRows } from './datasources.ts'

/** A live datasource by its natural key, with everything that `find` returns; the read takes no lock. */
export async function findByIdentity(db: Db, org: string, identity: string): Promise<DatasourceRow | undefined> {
  return (await completeRows(db, org, await identified(db, { org, identity })))[0]
}

// Not `=`, but a range in the order of the natural keys: only their index provides it. Until the tables of a new
// installation are analyzed, the planner takes any index that begins with the organization for equally good, and reads
// all of its datasources.
const identified = preparedRead((db, { org, identity }: { org: string; identity: string }) =>
  selectRows(db, org)
    .where('d.identity', '>=', identity)
    .where('d.identity', '<=', identity)
    .where('d.deleted_at', 'is', null)
    .orderBy('d.identity')
    .limit(sql.lit(1)),
)
