/**
 * The peppers under which leasing tokens were hashed: a token that is not found may use a pepper that this worker
 * lacks.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/** True if the organization has a granted capability whose hash uses none of these peppers. */
export async function isAnyHashedOtherwise(db: Db, org: string, pepperIds: readonly string[]): Promise<boolean> {
  const { rows } = await sql<{ isAny: boolean }>`
    select exists (
      select from lease_grants g join capabilities c on c.org_id = g.org_id and c.id = g.capability_id
      where g.org_id = ${org} and not (c.pepper_id = any(${[...pepperIds]}))) as "isAny"
  `.execute(db)
  return rows[0]?.isAny === true
}
