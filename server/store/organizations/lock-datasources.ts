/**
 * The lock that a change of all datasources of an organization begins with: its removal, or its interval.
 */
import type { Tx } from '#server/store/database/db.ts'

/**
 * Locks all live datasources of an organization: before their tasks, and those before the credentials, as everything that
 * changes one locks, checks among it.
 */
export async function lockDatasources(tx: Tx, org: string): Promise<void> {
  await tx
    .selectFrom('datasources')
    .select('id')
    .where('org_id', '=', org)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
}
