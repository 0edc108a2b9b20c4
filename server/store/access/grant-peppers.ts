/**
 * Under which peppers the tokens were hashed that may lease: one that is not found may be of a pepper that a worker lacks.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/** True where the organization has a granted capability whose hash was made under none of these peppers. */
export async function isAnyHashedOtherwise(db: Db, org: string, pepperIds: readonly string[]): Promise<boolean> {
  const { rows } = await sql<{ isAny: boolean }>`
    select exists (
      select from lease_grants g join capabilities c on c.org_id = g.org_id and c.id = g.capability_id
      where g.org_id = ${org} and not (c.pepper_id = any(${[...pepperIds]}))) as "isAny"
  `.execute(db)
  return rows[0]?.isAny === true
}
