/**
 * The routes of an endpoint's events, `/v1/datasources/{id}/events`: reading its feed, and pushing events. Only these
 * accept a body of up to 1 MiB.
 */
import { keylessPush, MAX_KEYLESS_BYTES } from '#server/api/feeds/keyless-push.ts'
import type { Call, Route } from '#server/rest/dialect.ts'
import { EVENTS, IDS } from '#server/rest/openapi/examples.ts'
import { EventList, EventsQuery, PushEvents, PushedEvents } from '#shared/dialects/feed-dialect.ts'
import { MAX_PUSH_BYTES } from '#shared/feeds/feed.ts'
import { pathId } from './datasource-object.ts'
import { documentedId, strictRoute } from './strict.ts'

const PATH = '/v1/datasources/:id/events'

/** The maximum nesting of an event (`domain/feed-page.ts`), plus its list and its body. */
export const MAX_PUSH_DEPTH = 128

const params = documentedId('an endpoint', IDS.endpoint)

const HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const

/** The headers of a signed message, by the names that the procedure uses. */
function signed(call: Call) {
  const [messageId, timestamp, signature] = HEADERS.map(name => call.header(name))
  return {
    ...(messageId === undefined ? {} : { messageId }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(signature === undefined ? {} : { signature }),
  }
}

/** The routes of this file. */
export const eventRoutes: readonly Route[] = [
  strictRoute({
    method: 'get',
    path: PATH,
    operationId: 'listEvents',
    summary: "Read an endpoint's events",
    description:
      'In the order in which the endpoint returned them, each as the customer wrote it. A direct datasource has none: 404. ' +
      'Events past their retention are left out.',
    params,
    query: EventsQuery,
    answers: {
      200: {
        description: 'The events after `after`.',
        schema: EventList,
        example: { object: 'list', data: [EVENTS.shown], has_more: false },
      },
    },
    faults: ['entity_not_found', 'invalid_request'],
    async run(call, { query }) {
      const { items, nextCursor } = await call.caller.feeds.list({ id: pathId(call), ...query })
      const displayed = items.map(({ id, position, event }) => ({ ...event, object: 'event', id, position }))
      return { status: 200, body: { object: 'list', data: displayed, has_more: nextCursor !== null } }
    },
  }),
  strictRoute({
    method: 'post',
    path: PATH,
    operationId: 'pushEvents',
    summary: 'Bring events',
    description:
      'The body is of up to 1 MiB and 128 levels deep. Events are stored once, like those that are polled. With `webhook-id` ' +
      'a message that was accepted before stores nothing and gets the same answer as the first time; with `webhook-signature` it is ' +
      'accepted only if the signature is valid. Without a key, a push of up to 256 KiB is accepted if its signature is valid: the signing key ' +
      'authenticates the endpoint. *Deliberate*: an unknown id and an invalid signature are then the same 401, so ' +
      'that nobody learns which endpoints exist. At most 10 such pushes a second are accepted for one datasource, and from ' +
      'one address.',
    params,
    headers: ['WebhookId', 'WebhookTimestamp', 'WebhookSignature'],
    bodyLimits: { maxBytes: MAX_PUSH_BYTES, maxDepth: MAX_PUSH_DEPTH },
    body: { schema: PushEvents, examples: { events: EVENTS.body } },
    answers: { 200: { description: 'They are stored.', schema: PushedEvents, example: EVENTS.pushed } },
    faults: ['entity_not_found', 'invalid_request', 'credential_unreadable', 'timeout'],
    async keyless(deps, call) {
      const { params: named, address, requestId } = call
      const body = () => call.text(MAX_KEYLESS_BYTES)
      const [messageId, timestamp, signature] = HEADERS.map(name => call.header(name))
      const arrived = { id: named['id'] ?? '', address, requestId, messageId, timestamp, signature, body }
      return { status: 200, body: { object: 'event_push', ...(await keylessPush(deps, arrived)) } }
    },
    async run(call) {
      const pushed = await call.caller.feeds.push({ id: pathId(call), body: call.exactBody(), ...signed(call) })
      return { status: 200, body: { object: 'event_push', ...pushed } }
    },
  }),
]
