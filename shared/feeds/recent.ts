/**
 * The newest events of a feed, for a person who looks at its progress: input and answer of `feeds.recent`. A consumer
 * of events reads `feeds.list` from its own position instead, and so misses none.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { EventType } from './event.ts'

/** The maximum number of events in the answer. */
export const MAX_RECENT_EVENTS = 100

/** Input of `feeds.recent`. */
export const RecentEventsInput = z.strictObject({
  id: DatasourceId,
  limit: z.number().int().min(1).max(MAX_RECENT_EVENTS).default(50),
})
export type RecentEventsInput = z.output<typeof RecentEventsInput>

/** One of the newest events. Times are epoch milliseconds: an event may name any time that a `Date` can represent. */
export const RecentEvent = z.object({
  id: z.string(),
  position: z.string(),
  model: z.string(),
  entityId: z.string(),
  type: EventType,
  /** When the change happened, according to the customer. */
  occurredAtMs: z.number().nullable(),
  storedAtMs: z.number(),
  /** The whole event as the customer sent it. */
  text: z.string(),
})
export type RecentEvent = z.output<typeof RecentEvent>

/** Answer of `feeds.recent`: newest first. */
export const RecentEvents = z.object({ items: z.array(RecentEvent) })
