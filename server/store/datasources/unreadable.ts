/**
 * Datasources marked as unreadable, across all organizations, for the
 * worker that checks whether they still are.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/** The key of such a row. */
export interface Place {
  readonly organizationId: string
  readonly id: string
}

/** The next rows after a position, in index order. */
export async function list(db: Db, { after, limit }: { after: Place | null; limit: number }): Promise<Place[]> {
  const behind = after === null ? sql`` : sql`and (org_id, id) > (${after.organizationId}::uuid, ${after.id}::uuid)`
  const { rows } = await sql<Place>`
    select org_id as "organizationId", id from datasources
    where status_reason = 'credential_unreadable' and deleted_at is null ${behind}
    order by org_id, id limit ${limit}
  `.execute(db)
  return rows
}
