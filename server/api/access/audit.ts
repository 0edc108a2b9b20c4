/**
 * `organization.audit`: pages through the audit record, newest first. It shows only the listed columns, and only to
 * callers who may read the organization's affairs.
 */

import { procedure } from '#server/api/procedure/trpc.ts'
import * as audit from '#server/store/access/audit.ts'
import { AuditInput, AuditPage } from '#shared/access/audit.ts'
import { typedId, uuidOf } from '#shared/base/wire.ts'

type AuditRow = Awaited<ReturnType<typeof audit.list>>[number]

/** The procedure; `organization.ts` adds it to its router. */
export const auditProcedure = procedure('organization.read')
  .input(AuditInput)
  .output(AuditPage)
  .query(async ({ ctx, input }) => {
    const { limit, cursor, objectId, ...filter } = input
    const uuid =
      objectId === undefined
        ? undefined
        : (uuidOf(objectId, 'ds_', 'ds_test_', 'dse_', 'key_', 'cap_', 'org_') ?? NOBODY)
    const rows = await audit.list(ctx.db, ctx.principal.organizationId, {
      ...filter,
      objectId: uuid,
      olderThan: cursor,
      limit: limit + 1,
    })
    const items = rows.slice(0, limit).map(present)
    return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
  })

/** An id that no object has: an unreadable id matches nothing. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

const PREFIXES = { datasource: 'ds_', key: 'key_', capability: 'cap_', organization: 'org_' } as const

function present(row: AuditRow) {
  const kind = row.object_kind
  const prefix = kind === null || !Object.hasOwn(PREFIXES, kind) ? null : PREFIXES[kind as keyof typeof PREFIXES] // just checked to be a key
  return {
    id: row.id,
    at: row.at.toISOString(),
    principal: { kind: row.principal_kind, id: principalId(row) },
    action: row.action,
    objectKind: kind,
    objectId: row.object_id === null ? null : prefix === null ? row.object_id : typedId(prefix, row.object_id),
    outcome: row.outcome,
    requestId: row.request_id,
    address: row.address,
  }
}

function principalId(row: AuditRow): string | null {
  if (row.principal_id === null) return null
  if (row.principal_kind === 'key') return typedId('key_', row.principal_id)
  return row.principal_kind === 'capability' ? typedId('cap_', row.principal_id) : row.principal_id
}
