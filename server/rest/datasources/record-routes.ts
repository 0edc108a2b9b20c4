/**
 * The audit record, `/v1/audit_events`, and the SQL of a least-privileged role, `/v1/role_sql`. Each route maps to a
 * procedure and decides nothing.
 */
import type { Call, Route } from '#server/rest/dialect.ts'
import { AUDIT_EVENT, ROLE_SQL } from '#server/rest/openapi/organization-examples.ts'
import { AuditList, AuditQuery, RoleSqlObject, RoleSqlQuery } from '#shared/dialects/record-dialect.ts'
import { strictRoute } from './strict.ts'

type Event = Awaited<ReturnType<Call['caller']['organization']['audit']>>['items'][number]

function present({ at, objectKind, objectId, requestId, ...event }: Event) {
  const created = Math.floor(Date.parse(at) / 1000)
  const about = { object_kind: objectKind, object_id: objectId, request_id: requestId }
  return { object: 'audit_event' as const, ...event, created, ...about }
}

/** The routes of this file. */
export const recordRoutes: readonly Route[] = [
  strictRoute({
    method: 'get',
    path: '/v1/audit_events',
    operationId: 'listAuditEvents',
    summary: 'Read the record of who did what',
    description: 'Newest first, including refusals. It requires `organization.read`.',
    params: {},
    query: AuditQuery,
    answers: {
      200: {
        description: 'The events.',
        schema: AuditList,
        example: { object: 'list', data: [AUDIT_EVENT], has_more: false },
      },
    },
    faults: ['invalid_request'],
    async run(call, { query: { starting_after: cursor, object_id: objectId, ...filter } }) {
      const { items, nextCursor } = await call.caller.organization.audit({ ...filter, cursor, objectId })
      return { status: 200, body: { object: 'list', data: items.map(present), has_more: nextCursor !== null } }
    },
  }),
  strictRoute({
    method: 'get',
    path: '/v1/role_sql',
    operationId: 'getRoleSql',
    summary: 'Read the SQL that creates a least-privileged role',
    description: "For a customer to paste, with an owner's rights: the role that it makes passes the checklist.",
    params: {},
    query: RoleSqlQuery,
    answers: { 200: { description: 'The SQL.', schema: RoleSqlObject, example: ROLE_SQL } },
    faults: ['invalid_request'],
    async run(call, { query: { read_only, ...asked } }) {
      const { sql } = await call.caller.datasources.roleSql({ ...asked, readOnly: read_only !== 'false' })
      return { status: 200, body: { object: 'role_sql', sql } }
    },
  }),
]
