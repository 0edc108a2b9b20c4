/**
 * Reading and writing feeds: what `feeds.list`, `feeds.watch` and `feeds.push` take and answer. The events themselves are in
 * `event.ts`, as the endpoint protocol spells them; the same in the datasources dialect is in `feed-dialect.ts`.
 */
import { z } from 'zod'
import { storableText } from '#shared/base/text.ts'
import { DatasourceId } from '#shared/base/wire.ts'
import { TaskFault } from '#shared/faults/task-fault.ts'
import type { FeedEvent } from './event.ts'

/** A place in a feed: opaque to callers, good for one datasource. */
export const FeedPosition = z
  .string()
  .regex(/^[0-9]{1,18}$/, { error: 'not a position of ours' })
  .meta({ description: 'A place in the feed, opaque.', example: '1042' })

/** Events that are read at a time, at most. */
export const MAX_EVENTS = 1_000

const asked = {
  id: DatasourceId,
  /** Events behind this one; without it from the beginning. */
  after: FeedPosition.optional(),
  limit: z.number().int().min(1).max(MAX_EVENTS).default(100),
}

/** Input of `feeds.list`. */
export const FeedListInput = z.strictObject(asked)
export type FeedListInput = z.output<typeof FeedListInput>

/** Input of `feeds.watch`: `lastEventId` is what a reconnecting client sends by itself, and goes before `after`. */
export const FeedWatchInput = z.strictObject({ ...asked, lastEventId: FeedPosition.nullish() })
export type FeedWatchInput = z.output<typeof FeedWatchInput>

/** One stored event. `event` is as the customer wrote it; numbers that JavaScript cannot hold travel as they were written. */
export const FeedItem = z.object({
  id: z.string(),
  position: z.string(),
  event: z.custom<FeedEvent>(),
})
export type FeedItem = z.output<typeof FeedItem>

/** A page, in the feed's order. `nextCursor` is the `after` of the next one; null when there is none now. */
export const FeedItems = z.object({ items: z.array(FeedItem), nextCursor: z.string().nullable() })

/** The largest push, in bytes. */
export const MAX_PUSH_BYTES = 1 << 20

const header = z.string().max(4_096)

/** Input of `feeds.push`: the exact text of the body, and the headers that a customer signs it with. */
export const PushInput = z.strictObject({
  id: DatasourceId,
  body: z.string().max(MAX_PUSH_BYTES),
  messageId: storableText(1, 255).optional(),
  timestamp: header.optional(),
  /** Where it is given, the push is taken only if it fits. */
  signature: header.optional(),
  idempotencyKey: z.string().min(1).max(255).optional(),
})
export type PushInput = z.output<typeof PushInput>

/** Answer of `feeds.push`: how many events it had, and how many of them were new. */
export const PushAnswer = z.object({ received: z.number().int(), stored: z.number().int() })
export type PushAnswer = z.output<typeof PushAnswer>

/** What the worker found of a signed push. */
export const PushOutcome = z.union([z.object({ answer: PushAnswer }), z.object({ refused: z.string() }), TaskFault])
export type PushOutcome = z.output<typeof PushOutcome>
