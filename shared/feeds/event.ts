/**
 * The events of a signed endpoint's feed, in the form of the endpoint protocol: an event, the request for a page, its
 * answer, and the body of a push.
 *
 * These shapes come from an untrusted server. Known fields are bounded so that they can be stored and indexed; unknown
 * fields stay as they are. `domain/feed-page.ts` and the push route read with these.
 */
import { z } from 'zod'
import { isStorable, storableText } from '#shared/base/text.ts'

/** The kind of change to the entity. */
export const EventType = z.enum(['CREATE', 'UPDATE', 'DELETE', 'ARCHIVE', 'UNARCHIVE'])
export type EventType = z.infer<typeof EventType>

/** The largest distance from the epoch that a JavaScript `Date` can represent, in milliseconds (ECMA-262 §21.4.1.1). */
const MAX_TIME_MS = 8.64e15

/**
 * One event. Unknown fields are kept; `data` is any JSON or absent.
 *
 * `id` is used for deduplication: 512 code points take at most 2,048 bytes, which fits into a unique B-tree index of
 * PostgreSQL (2,704). `occurredAt` is in epoch milliseconds and says nothing about the order.
 */
export const FeedEvent = z.looseObject({
  id: storableText(1, 512).describe('The id for deduplication: an event with a known id is not stored again.'),
  model: storableText(1, 255).describe('The kind of entity that changed.'),
  entityId: storableText(1, 1024).describe('The id of the entity.'),
  type: EventType.describe('The kind of change.'),
  data: z.unknown().optional().describe('Any JSON.'),
  organizationId: z.string().nullish().describe("The customer's own organization."),
  clientTxId: z.string().nullish().describe("The customer's own transaction."),
  occurredAt: z
    .number()
    .min(-MAX_TIME_MS)
    .max(MAX_TIME_MS)
    .nullish()
    .describe('When the change happened, in milliseconds since 1970; it says nothing about the order.'),
})
export type FeedEvent = z.infer<typeof FeedEvent>

/** The cursor of a feed: opaque, bounded, and storable in PostgreSQL. */
export const FeedCursor = z.string().max(4096).refine(isStorable, { error: 'the cursor cannot be stored' })

/** The body that requests a page from an endpoint. With a limit of 0, some endpoints return the same cursor forever. */
export const EventsRequest = z.looseObject({
  type: z.literal('events'),
  cursor: FeedCursor.optional(),
  limit: z.number().int().min(1).optional(),
})
export type EventsRequest = z.infer<typeof EventsRequest>

/** A well-formed answer to `EventsRequest`. `nextCursor` is a string or absent; the contract does not allow null. */
export const EventsAnswer = z.looseObject({
  events: z.array(FeedEvent),
  nextCursor: FeedCursor.optional(),
})
export type EventsAnswer = z.infer<typeof EventsAnswer>

/** The body of `POST /v1/datasources/{id}/events`. Like every request of this dialect, it accepts no unknown field. */
export const PushBody = z.strictObject({ events: z.array(FeedEvent).describe('The events, in order.') })
export type PushBody = z.infer<typeof PushBody>
