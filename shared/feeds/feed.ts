/**
 * Reading and writing feeds: inputs and answers of `feeds.list`, `feeds.watch` and `feeds.push`. `event.ts` has the
 * events in the form of the endpoint protocol; `feed-dialect.ts` has the datasources dialect.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { storableText } from '#shared/base/text.ts'
import { TaskFault } from '#shared/faults/task-fault.ts'
import type { FeedEvent } from './event.ts'

/** A position in a feed: opaque to callers and valid for one datasource. */
export const FeedPosition = z
  .string()
  .regex(/^[0-9]{1,18}$/, { error: 'not a position of a feed' })
  .meta({ description: 'An opaque position in the feed.', example: '1042' })

/** The maximum number of events on a page. */
export const MAX_EVENTS = 1_000

const asked = {
  id: DatasourceId,
  /** Selects the events after this position; by default, the feed is read from the beginning. */
  after: FeedPosition.optional(),
  limit: z.number().int().min(1).max(MAX_EVENTS).default(100),
}

/** Input of `feeds.list`. */
export const FeedListInput = z.strictObject(asked)
export type FeedListInput = z.output<typeof FeedListInput>

/**
 * Input of `feeds.watch`. A reconnecting client sends `lastEventId` automatically; it takes precedence over `after`.
 */
export const FeedWatchInput = z.strictObject({ ...asked, lastEventId: FeedPosition.nullish() })
export type FeedWatchInput = z.output<typeof FeedWatchInput>

/** One stored event. `event` is as the customer sent it; numbers beyond JavaScript's precision keep their digits. */
export const FeedItem = z.object({
  id: z.string(),
  position: z.string(),
  event: z.custom<FeedEvent>(),
})
export type FeedItem = z.output<typeof FeedItem>

/**
 * A page of events in feed order. `nextCursor` is the `after` of the next page; null if there are no more events yet.
 */
export const FeedItems = z.object({ items: z.array(FeedItem), nextCursor: z.string().nullable() })

/** The maximum size of a push, in bytes. */
export const MAX_PUSH_BYTES = 1 << 20

const header = z.string().max(4_096)

/** Input of `feeds.push`: the exact text of the body, and the customer's signature headers. */
export const PushInput = z.strictObject({
  id: DatasourceId,
  body: z.string().max(MAX_PUSH_BYTES),
  messageId: storableText(1, 255).optional(),
  timestamp: header.optional(),
  /** If present, the push is accepted only if the signature matches. */
  signature: header.optional(),
  idempotencyKey: z.string().min(1).max(255).optional(),
})
export type PushInput = z.output<typeof PushInput>

/** Answer of `feeds.push`: the number of events received, and the number of those that were new. */
export const PushAnswer = z.object({ received: z.number().int(), stored: z.number().int() })
export type PushAnswer = z.output<typeof PushAnswer>

/** The worker's result for a signed push. */
export const PushOutcome = z.union([z.object({ answer: PushAnswer }), z.object({ refused: z.string() }), TaskFault])
export type PushOutcome = z.output<typeof PushOutcome>
