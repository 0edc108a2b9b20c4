/**
 * The answers of the connections dialect, field by field as its contract documents them: connections in an envelope,
 * errors in an envelope, and validation errors in the shape of Pydantic v2.
 */
import { z } from 'zod'
import { Advisory, Check } from '#shared/checks/check.ts'
import { Status } from '#shared/datasources/datasource.ts'

/** The documented shape of one connection. */
export const ConnectionResponse = z
  .object({
    id: z.uuid().describe('The connection.'),
    name: z.string().describe('As given.'),
    db_type: z.string().describe('As given.'),
    host: z.string().describe('Parsed from the connection string.'),
    port: z.number().int().describe('Parsed from the connection string; 5432 by default.'),
    database_name: z.string().describe('Parsed from the connection string.'),
    excluded_schemas: z.array(z.string()).describe('Schemas that introspection skips, as stored.'),
    is_active: z.boolean().describe('False after its removal.'),
    created_at: z.iso.datetime({ offset: true }).describe('When it was registered.'),
    last_introspected_at: z.iso.datetime({ offset: true }).nullable().describe('Null until the first introspection.'),
    datasource_id: z.string().describe('The id of the same database in the datasources dialect and over tRPC.'),
    status: Status.describe(
      '`unverified` until the first verification has completed, then `active` or `rejected`. `is_active` only says that it is not removed.',
    ),
    status_reason: z
      .string()
      .nullable()
      .describe('The fault code for why it is not active, or for a problem that it has while active; else null.'),
    checks: z.array(Check).describe('The checklist of the last verification; empty before the first one.'),
    advisories: z
      .array(Advisory)
      .describe(
        'Properties that are allowed but should be changed, from the last check and from the string in this call.',
      ),
    verified_at: z.iso.datetime({ offset: true }).nullable().describe('When a check last passed; null before that.'),
    updated_at: z.iso
      .datetime({ offset: true })
      .describe('When any of these fields last changed, other than dates of checks and introspections.'),
  })
  .meta({ id: 'ConnectionResponse', description: 'A registered database. No field holds a credential.' })
export type ConnectionResponse = z.output<typeof ConnectionResponse>

/** Answer of the list. */
export const ConnectionList = z
  .object({
    connections: z.array(ConnectionResponse).describe('The active ones, newest first.'),
    count: z.number().int().describe('The number of items.'),
  })
  .meta({ id: 'ConnectionList', description: 'All active connections.' })

/** The envelope around an answer. */
export function envelopeOf({ schema, id, description }: { id: string; schema: z.ZodType; description: string }) {
  return z
    .object({
      success: z.literal(true).describe('Always true.'),
      data: schema,
      error: z.null().describe('Always null.'),
    })
    .meta({ id, description })
}

/** Every error of this dialect except 422. */
export const ConnectionsError = z
  .object({
    success: z.literal(false).describe('Always false.'),
    data: z.null().describe('Always null.'),
    error: z
      .object({
        code: z.string().describe('The fault in capitals, such as `NOT_FOUND`.'),
        message: z.string().describe('A human-readable sentence. It never quotes the request.'),
        details: z
          .array(
            z.object({
              path: z
                .array(z.union([z.string(), z.number().int()]))
                .describe('The place, such as the name of a header.'),
              code: z.string().describe('A stable name for the reason.'),
              message: z.string().describe('A human-readable sentence.'),
            }),
          )
          .nullable()
          .describe('The reasons, if there are more than the code says; else null.'),
      })
      .describe('The error.'),
  })
  .meta({ id: 'ConnectionsError', description: 'An error of the connections dialect.' })

/** 422: an invalid body or path. */
export const HttpValidationError = z
  .object({
    detail: z
      .array(
        z.object({
          loc: z
            .array(z.union([z.string(), z.number().int()]))
            .describe('The place: `body`, `path` or `query`, then the field, then the index.'),
          msg: z.string().describe('A human-readable sentence.'),
          type: z.string().describe("Pydantic v2's name of the error, such as `string_too_short`."),
          input: z.unknown().optional().describe('The value, if it is short and cannot be part of a credential.'),
          ctx: z.record(z.string(), z.unknown()).optional().describe('The constraint that was violated.'),
        }),
      )
      .describe('Every failing field.'),
  })
  .meta({ id: 'HTTPValidationError', description: "A validation error in Pydantic v2's shape." })
