/**
 * The audit record and the SQL for a role in the datasources dialect (`/v1/audit_events`, `/v1/role_sql`). No field
 * holds free text of a request.
 */
import { z } from 'zod'
import { AuditEvent, AuditInput } from '#shared/access/audit.ts'
import { RoleSqlInput } from '#shared/datasources/datasource-change.ts'
import { PageLimit } from './datasources-dialect.ts'

/** Query of `GET /v1/audit_events`. */
export const AuditQuery = z.strictObject({
  limit: PageLimit.optional().describe('The maximum number of items, 1 to 100; 20 by default.'),
  starting_after: AuditInput.shape.cursor.describe(
    'The id of the last item already seen; the answer has the items after it, which are older.',
  ),
  action: AuditInput.shape.action.describe('Only events with this action, such as `datasource.registered`.'),
  outcome: AuditInput.shape.outcome.describe('Only events with this outcome: `ok`, or the code of a fault.'),
  object_id: AuditInput.shape.objectId.describe('Only events about this object, by its typed id.'),
})

const displayed = AuditEvent.shape

/** Answer of `GET /v1/audit_events`. */
export const AuditList = z
  .object({
    object: z.literal('list').describe('Always `list`.'),
    data: z
      .array(
        z
          .object({
            object: z.literal('audit_event').describe('Always `audit_event`.'),
            id: displayed.id.describe('The cursor for `starting_after`.'),
            created: z.number().int().describe('When it happened, in Unix seconds.'),
            principal: z
              .object({
                kind: displayed.principal.shape.kind.describe('A key, a capability, an operator or a worker.'),
                id: displayed.principal.shape.id.describe('Its typed id; null if it has none.'),
              })
              .describe('The actor.'),
            action: displayed.action.describe('The performed or requested action.'),
            object_kind: displayed.objectKind.describe(
              'The kind of object: `datasource`, `key`, `capability`, `lease`; null if there is none.',
            ),
            object_id: displayed.objectId.describe('Its typed id.'),
            outcome: displayed.outcome.describe('`ok`, or the code of the fault.'),
            request_id: displayed.requestId.describe('The `x-request-id` of the request.'),
            address: displayed.address.describe("The caller's address."),
          })
          .meta({ id: 'AuditEvent', description: 'One event of the audit record.' }),
      )
      .describe('Newest first.'),
    has_more: z.boolean().describe('True if there are older items.'),
  })
  .meta({ id: 'AuditList', description: 'A page of the audit record.' })

/** Query of `GET /v1/role_sql`. */
export const RoleSqlQuery = z.strictObject({
  schema: RoleSqlInput.shape.schema.describe('The schema that the role may read.'),
  database: RoleSqlInput.shape.database.describe(
    'The database of the grants; by default, the one in which the SQL is run.',
  ),
  role: RoleSqlInput.shape.role.describe('The name of the role; by default, derived from the database.'),
  provider: RoleSqlInput.shape.provider.optional().describe('Where the database runs; `plain` by default.'),
  read_only: z
    .enum(['true', 'false'])
    .optional()
    .describe('`false` for a role that may also write rows; `true` by default.'),
})

/** Answer of `GET /v1/role_sql`. */
export const RoleSqlObject = z
  .object({
    object: z.literal('role_sql').describe('Always `role_sql`.'),
    sql: z
      .string()
      .describe('One block to paste into psql or an SQL editor after replacing the placeholder for the password.'),
  })
  .meta({ id: 'RoleSql', description: 'The SQL that creates a least-privileged role that passes the checklist.' })
