/**
 * `datasources.verifications`: pages through the results of a datasource's checks, newest first. It shows only the
 * listed columns, and only to callers who may read the datasource.
 */

import type { KnownContext } from '#server/api/context.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as verifications from '#server/store/datasources/verifications.ts'
import type { Verification, VerificationsInput } from '#shared/datasources/verification.ts'
import { currentCode } from '#shared/faults/fault-names.ts'

type VerificationRow = Awaited<ReturnType<typeof verifications.list>>[number]

/** A page of verifications. Throws `entity_not_found` for a datasource that no longer exists. */
export async function listVerifications(
  ctx: KnownContext,
  { id, limit, cursor }: VerificationsInput,
): Promise<{ items: Verification[]; nextCursor: string | null }> {
  const row = await requireDatasource(ctx, id)
  requireScope(ctx.principal, 'datasources.read', { datasourceId: row.id })
  const rows = await verifications.list(ctx.db, ctx.principal.organizationId, {
    datasourceId: row.id,
    olderThan: cursor,
    limit: limit + 1,
  })
  const items = rows.slice(0, limit).map(present)
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
}

function present(row: VerificationRow): Verification {
  return {
    id: row.id,
    at: row.at.toISOString(),
    verdict: row.outcome,
    reason: row.reason === null ? null : currentCode(row.reason),
    checks: row.checks,
    advisories: row.advisories,
    tookMs: row.took_ms,
    credentialVersion: row.version,
  }
}
