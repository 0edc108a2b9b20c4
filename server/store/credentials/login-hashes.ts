/**
 * Looks up credentials by the keyed hash of a login that passed a check. Only the worker writes (`credential-marks.ts`)
 * and reads this hash, for the budgets of refused logins.
 */
import type { Db } from '#server/store/tables/tables.ts'

/** True if the organization has a current credential for the login; `hashes` holds one hash for each key. */
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
