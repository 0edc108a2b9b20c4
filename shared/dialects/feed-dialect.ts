/**
 * The bodies, queries and answers of `/v1/datasources/{id}/events`. Requests are strict: an unknown field is an error
 * that names it. The OpenAPI document shows these schemas.
 */
import { z } from 'zod'
import { PushBody } from '#shared/feeds/event.ts'
import { FeedPosition, MAX_EVENTS } from '#shared/feeds/feed.ts'

/** Query of `GET /v1/datasources/{id}/events`. */
export const EventsQuery = z.strictObject({
  after: FeedPosition.optional().describe(
    'The `position` of the last event already seen; by default, the feed is read from the beginning.',
  ),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.number().int().min(1).max(MAX_EVENTS))
    .meta({ type: 'integer', minimum: 1, maximum: MAX_EVENTS })
    .optional()
    .describe('The maximum number of events, 1 to 1000; 100 by default.'),
})

/** An event in the datasources dialect: the customer's event with two fields added by Mooring, and its position. */
export const EventObject = z
  .looseObject({
    object: z.literal('event').describe('Always `event`.'),
    id: z.string().describe("The customer's id of the event."),
    position: z.string().describe('Its opaque position in the feed, for `after`.'),
  })
  .meta({ id: 'Event', description: 'One event of an endpoint, with every field as the customer sent it.' })

/** Answer of `GET /v1/datasources/{id}/events`. */
export const EventList = z
  .object({
    object: z.literal('list').describe('Always `list`.'),
    data: z.array(EventObject).describe('The events, in feed order.'),
    has_more: z.boolean().describe('True if there are more events after the last one.'),
  })
  .meta({ id: 'EventList', description: 'A page of a feed.' })

/** Body of `POST /v1/datasources/{id}/events`. */
export const PushEvents = PushBody.meta({ id: 'PushEvents', description: 'Events that the customer pushes.' })

/** Answer of `POST /v1/datasources/{id}/events`. */
export const PushedEvents = z
  .object({
    object: z.literal('event_push').describe('Always `event_push`.'),
    received: z.number().int().describe('The number of events in the body, with each id counted once.'),
    stored: z.number().int().describe('The number of new events.'),
  })
  .meta({
    id: 'EventPush',
    description: 'The result of a push. A repeated `webhook-id` gets the same answer.',
  })
