/**
 * The locks that changes of datasources begin with: of one, or of all of an organization, for its removal or its interval.
 */
import type { Tx } from '#server/store/tables/tables.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Kind, Status } from '#shared/datasources/datasource.ts'

/** The columns of a datasource that a change reads under its row lock. */
export interface LockedDatasource {
  readonly id: string
  readonly kind: Kind
  readonly mode: Mode
  readonly status: Status
  readonly credential_version: number
  readonly host: string | null
  readonly port: number | null
  readonly database: string | null
  readonly schema: string | null
  readonly identity: string | null
}

/**
 * Locks one live datasource, by id or by natural key, until the transaction ends, so that changes of it take turns;
 * undefined when the organization has none. Not against rows that refer to it: their foreign key's lock, which PostgreSQL also
 * takes when a transaction writes such a row twice, would come after their own and against the order of the house.
 */
export function lockDatasource(
  tx: Tx,
  org: string,
  which: { id: string } | { identity: string },
): Promise<LockedDatasource | undefined> {
  const query = tx
    .selectFrom('datasources')
    .select(['id', 'kind', 'mode', 'status', 'credential_version'])
    .select(['host', 'port', 'database', 'schema', 'identity'])
    .where('org_id', '=', org)
    .where('deleted_at', 'is', null)
    .forNoKeyUpdate()
  return (
    'id' in which ? query.where('id', '=', which.id) : query.where('identity', '=', which.identity)
  ).executeTakeFirst()
}

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
