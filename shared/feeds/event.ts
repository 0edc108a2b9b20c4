/**
 * The events of a signed endpoint's feed, in the endpoint protocol's form: an event, the request for a page, its
 * answer, and the body of a push.
 *
 * These shapes come from a stranger. Known fields are bounded so that they can be stored and indexed; unknown ones stay
 * as they are. `domain/feed-page.ts` and the push route read with these.
 */
import { z } from 'zod'
import { isStorable, storableText } from '#shared/base/text.ts'

/** The change of the entity. */
export const EventType = z.enum(['CREATE', 'UPDATE', 'DELETE', 'ARCHIVE', 'UNARCHIVE'])
export type EventType = z.infer<typeof EventType>

/** The furthest that a JavaScript `Date` reaches from the epoch, in milliseconds (ECMA-262 §21.4.1.1). */
const MAX_TIME_MS = 8.64e15

/**
 * One event. Unknown fields are kept, and `data` is any JSON or absent.
 *
 * `id` deduplicates: 512 code points are at most 2,048 bytes, which fits into a unique B-tree index of PostgreSQL
 * (2,704). `occurredAt` is epoch milliseconds, and unrelated to the order.
 */
export const FeedEvent = z.looseObject({
  id: storableText(1, 512).describe('What deduplicates: an id that is known is not stored again.'),
  model: storableText(1, 255).describe('What kind of entity it happened to.'),
  entityId: storableText(1, 1024).describe('Which one.'),
  type: EventType.describe('What happened.'),
  data: z.unknown().optional().describe('Any JSON.'),
  organizationId: z.string().nullish().describe("The customer's own organization."),
  clientTxId: z.string().nullish().describe("The customer's own transaction."),
  occurredAt: z
    .number()
    .min(-MAX_TIME_MS)
    .max(MAX_TIME_MS)
    .nullish()
    .describe('When, in milliseconds since 1970; it says nothing about the order.'),
})
export type FeedEvent = z.infer<typeof FeedEvent>

/** A feed's cursor: opaque, bounded, and text that PostgreSQL can store. */
export const FeedCursor = z.string().max(4096).refine(isStorable, { error: 'the cursor cannot be stored' })

/** The body that requests a page from an endpoint. With a limit of 0 some endpoints repeat one cursor for ever. */
export const EventsRequest = z.looseObject({
  type: z.literal('events'),
  cursor: FeedCursor.optional(),
  limit: z.number().int().min(1).optional(),
})
export type EventsRequest = z.infer<typeof EventsRequest>

/** A well-formed answer to it. `nextCursor` is a string or absent; null is a failure by the letter of the contract. */
export const EventsAnswer = z.looseObject({
  events: z.array(FeedEvent),
  nextCursor: FeedCursor.optional(),
})
export type EventsAnswer = z.infer<typeof EventsAnswer>

/** The body of `POST /v1/datasources/{id}/events`. Like every request of that dialect it accepts no unknown field. */
export const PushBody = z.strictObject({ events: z.array(FeedEvent).describe('In their order.') })
export type PushBody = z.infer<typeof PushBody>
