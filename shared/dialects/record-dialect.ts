/**
 * The record of who did what, and the SQL of a role, in the datasources dialect (`/v1/audit_events`, `/v1/role_sql`).
 * No field holds free text of a request.
 */
import { z } from 'zod'
import { AuditEvent, AuditInput } from '#shared/access/audit.ts'
import { RoleSqlInput } from '#shared/datasources/datasource-change.ts'
import { PageLimit } from './datasources-dialect.ts'

/** Query of `GET /v1/audit_events`. */
export const AuditQuery = z.strictObject({
  limit: PageLimit.optional().describe('How many at most, 1 to 100; 20 when left out.'),
  starting_after: AuditInput.shape.cursor.describe('The id of the last one seen: answers those after it, older ones.'),
  action: AuditInput.shape.action.describe('Only these, such as `datasource.registered`.'),
  outcome: AuditInput.shape.outcome.describe('Only these: `ok`, or the code of a fault.'),
  object_id: AuditInput.shape.objectId.describe('Only those about this object, by its typed id.'),
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
            id: displayed.id.describe('For `starting_after`.'),
            created: z.number().int().describe('When it happened, in Unix seconds.'),
            principal: z
              .object({
                kind: displayed.principal.shape.kind.describe('A key, a capability, an operator or a worker.'),
                id: displayed.principal.shape.id.describe('Its typed id; null where there is none.'),
              })
              .describe('Who did it.'),
            action: displayed.action.describe('What was done, or asked for.'),
            object_kind: displayed.objectKind.describe(
              'To what: `datasource`, `key`, `capability`, `lease`; null where it was to none.',
            ),
            object_id: displayed.objectId.describe('Its typed id.'),
            outcome: displayed.outcome.describe('`ok`, or the code of the fault.'),
            request_id: displayed.requestId.describe('The `x-request-id` of the request.'),
            address: displayed.address.describe("The caller's address."),
          })
          .meta({ id: 'AuditEvent', description: 'One line of the record.' }),
      )
      .describe('Newest first.'),
    has_more: z.boolean().describe('True when there are older ones.'),
  })
  .meta({ id: 'AuditList', description: 'A page of the record.' })

/** Query of `GET /v1/role_sql`. */
export const RoleSqlQuery = z.strictObject({
  schema: RoleSqlInput.shape.schema.describe('The schema that the role may read.'),
  database: RoleSqlInput.shape.database.describe(
    'The database of the grants; that in which the SQL is run when left out.',
  ),
  role: RoleSqlInput.shape.role.describe('The name of the role; derived from the database when left out.'),
  provider: RoleSqlInput.shape.provider.optional().describe('Where the database runs; `plain` when left out.'),
  read_only: z
    .enum(['true', 'false'])
    .optional()
    .describe('`false` for a role that may write rows as well; `true` when left out.'),
})

/** Answer of `GET /v1/role_sql`. */
export const RoleSqlObject = z
  .object({
    object: z.literal('role_sql').describe('Always `role_sql`.'),
    sql: z
      .string()
      .describe('One block to paste into psql or an SQL editor, once the placeholder of the password is replaced.'),
  })
  .meta({ id: 'RoleSql', description: 'The SQL that makes a least-privileged role, which passes the checklist.' })
