/**
 * The locks that changes of datasources begin with: of one datasource, or of all of an organization, to remove it or to
 * change its interval.
 */
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
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
 * Locks one live datasource until the transaction ends, so that its changes are serialised; undefined if the
 * organization has none with that id. The lock permits rows that refer to the datasource: their foreign key's lock,
 * which PostgreSQL also takes when a transaction writes such a row twice, would come after their own and break the lock
 * order.
 */
export function lockDatasource({ tx, org }: UnitOfWork, { id }: { id: string }): Promise<LockedDatasource | undefined> {
  return tx
    .selectFrom('datasources')
    .select(['id', 'kind', 'mode', 'status', 'credential_version'])
    .select(['host', 'port', 'database', 'schema', 'identity'])
    .where('org_id', '=', org)
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst()
}

/**
 * Locks all live datasources of an organization, before their tasks, which precede the credentials: every change,
 * including checks, uses this order.
 */
export async function lockDatasources({ tx, org }: UnitOfWork): Promise<void> {
  await tx
    .selectFrom('datasources')
    .select('id')
    .where('org_id', '=', org)
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .forNoKeyUpdate()
    .execute()
}
