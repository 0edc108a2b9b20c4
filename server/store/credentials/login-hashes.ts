/**
 * For which login a credential that has passed a check is, as a keyed hash that the worker alone writes (`credential-marks.ts`)
 * and reads. The budgets of refused logins ask it.
 */
import type { Db } from '#server/store/tables/tables.ts'

/** Whether a credential in force of the organization is for the login; `hashes` has one for each key. */
export async function isInForce(db: Db, org: string, hashes: readonly Buffer[]): Promise<boolean> {
  const row = await db
    .selectFrom('credentials')
    .select('version')
    .where('org_id', '=', org)
    .where('state', '=', 'current')
    .where('login_hash', 'in', [...hashes])
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
