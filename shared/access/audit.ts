/**
 * The audit record, as `organization.audit` pages it.
 * No field holds free text of a request.
 */
import { z } from 'zod'
import { MAX_PAGE } from '#shared/base/page.ts'
import { Timestamp } from '#shared/base/wire.ts'

/** Input of `organization.audit`, which answers newest first. `cursor` is the id of the last event already seen. */
export const AuditInput = z.strictObject({
  limit: z.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: z.uuid().optional(),
  action: z.string().max(100).optional(),
  outcome: z.string().max(100).optional(),
  objectId: z.string().max(100).optional(),
})

/** One event. `outcome` is `ok` or a fault code; `objectId` is a typed id, or null for an event without an object. */
export const AuditEvent = z.object({
  id: z.uuid(),
  at: Timestamp,
  principal: z.object({ kind: z.enum(['key', 'capability', 'operator', 'worker']), id: z.string().nullable() }),
  action: z.string(),
  objectKind: z.string().nullable(),
  objectId: z.string().nullable(),
  outcome: z.string(),
  requestId: z.string().nullable(),
  address: z.string().nullable(),
})
/** A page of events, newest first. */
export const AuditPage = z.object({ items: z.array(AuditEvent), nextCursor: z.string().nullable() })
