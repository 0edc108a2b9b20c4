/**
 * The name of an organization, for its own callers.
 * Separate from `organizations.ts`, which operators' commands use.
 */
import type { Db } from '#server/store/tables/tables.ts'

/** An organization's name. Throws if there is no such organization. */
export async function readName(db: Db, org: string): Promise<string> {
  const row = await db.selectFrom('organizations').select('name').where('id', '=', org).executeTakeFirstOrThrow()
  return row.name
}
