/**
 * `datasources.leases`: the leases of a datasource, for callers who may read it, without the leased credentials. Called
 * by `datasources.ts`, which adds it to its router.
 */
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { procedure } from '#server/api/procedure/trpc.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as leases from '#server/store/access/lease-list.ts'
import type { LeaseRow } from '#server/store/access/leases.ts'
import { LeaseListInput, LeasePage } from '#shared/access/lease.ts'
import { typedId, uuidOf } from '#shared/base/wire.ts'

/** `datasources.leases`. */
export const leasesProcedure = procedure('datasources.read')
  .input(LeaseListInput)
  .output(LeasePage)
  .query(async ({ ctx, input }) => {
    const row = await requireDatasource(ctx, input.id)
    requireScope(ctx.principal, 'datasources.read', { datasourceId: row.id })
    const olderThan = input.cursor === undefined ? null : uuidOf(input.cursor, 'lease_')
    const page = { datasourceId: row.id, olderThan, limit: input.limit + 1 }
    const found = await leases.ofDatasource(ctx.db, row.org_id, page)
    const items = found.slice(0, input.limit).map(present)
    return { items, nextCursor: found.length > input.limit ? (items.at(-1)?.leaseId ?? null) : null }
  })

function present(row: LeaseRow) {
  return {
    leaseId: typedId('lease_', row.id),
    capabilityId: typedId('cap_', row.capability_id),
    credentialVersion: row.version,
    grantedAt: row.granted_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    endedBy: row.ended_by,
  }
}
