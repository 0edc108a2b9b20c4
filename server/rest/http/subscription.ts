/**
 * Writes a subscription as server-sent events, in the format that tRPC's clients read (`httpSubscriptionLink`). The
 * library's own writer serialises each event for each subscriber, through three streams; here it is serialised once for
 * all.
 *
 * The next event is requested when the previous one has been sent, so that a reader who does not read holds one. A
 * stalled reader is cut off, and reconnects with the last id that it received.
 */
import { callTRPCProcedure, getTRPCErrorShape, isTrackedEnvelope, TRPCError } from '@trpc/server'
import type express from 'express'
import type { Context } from '#server/api/context.ts'
import { toFault } from '#server/api/procedure/fault-of.ts'
import { failureOf } from '#server/api/procedure/trpc.ts'
import { appRouter } from '#server/api/router.ts'
import { Fault } from '#shared/faults/fault.ts'
import { Backlog } from './backlog.ts'
import { EventText } from './event-text.ts'
import { EventWriter } from './event-writer.ts'
import { noteFault } from './observed-request.ts'

const PING_MS = 15_000

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
  Connection: 'keep-alive',
}

/** True for a request for a single subscription procedure, in the form in which an EventSource sends it. */
export function isSubscription(request: express.Request): boolean {
  const { path, query } = askedOf(request)
  const procedure: unknown = Object.hasOwn(appRouter._def.procedures, path)
    ? Reflect.get(appRouter._def.procedures, path)
    : null
  const type: unknown = Reflect.get(Object(Reflect.get(Object(procedure), '_def')), 'type')
  return request.method === 'GET' && query.get('batch') !== '1' && type === 'subscription'
}

/** The procedure's path, and the query. */
function askedOf(request: express.Request): { path: string; query: URLSearchParams } {
  const [path = '', query] = request.url.split('?', 2)
  return { path: path.slice(1), query: new URLSearchParams(query) }
}

type ContextOf = (request: express.Request, response: express.Response, path: string) => Promise<Context>

/** Serves subscriptions. */
export function subscriptions(contextOf: ContextOf): express.Handler {
  const [texts, backlog] = [new EventText(), new Backlog()]
  return async (request, response) => {
    const { path } = askedOf(request)
    const ctx = await contextOf(request, response, path)
    const organizationId = ctx.principal instanceof Fault ? '' : ctx.principal.organizationId
    const writer = new EventWriter(response, {
      backlog,
      organizationId,
      pingMs: PING_MS,
      ping: texts.named('ping', ''),
    })
    try {
      const begun = await begin(request, { ctx, signal: writer.gone }).then(
        events => ({ events }),
        (thrown: unknown) => ({ thrown }),
      )
      if ('thrown' in begun) response.set(toFault(begun.thrown).headers)
      response.set(HEADERS)
      await writer.write(texts.connected(3 * PING_MS))
      if ('thrown' in begun) throw begun.thrown
      for await (const event of begun.events) if (!(await writer.write(texts.of(event)))) break
      await writer.write(texts.named('return', ''))
    } catch (thrown) {
      if (isAbort(thrown)) return
      noteFault(response, { fault: toFault(thrown), named: namedIn(request) })
      await writer.write(texts.named('serialized-error', await errorOf(ctx, path, thrown)))
    } finally {
      writer.end()
    }
  }
}

/** Calls the procedure as the library would; it returns events with ids. */
async function begin(request: express.Request, { ctx, signal }: { ctx: Context; signal: AbortSignal }) {
  const { path, query } = askedOf(request)
  const lastEventId = request.get('last-event-id') ?? query.get('lastEventId') ?? query.get('Last-Event-Id')
  const getRawInput = async () => inputOf(query.get('input'), lastEventId)
  const asked = { router: appRouter, type: 'subscription', path, ctx, signal, batchIndex: 0, getRawInput } as const
  const events: unknown = await callTRPCProcedure(asked)
  return trackedOnly(events)
}

async function* trackedOnly(events: unknown) {
  if (typeof events !== 'object' || events === null || !(Symbol.asyncIterator in events))
    throw new Error('a subscription answered no events')
  // Sound: it was just checked to be one, and each event is checked.
  for await (const event of events as AsyncIterable<unknown>) {
    if (!isTrackedEnvelope(event)) throw new Error('a subscription answered an event without an id')
    yield event
  }
}

/** Adds the id with which a reader reconnects to the input. Throws `invalid_json`. */
function inputOf(text: string | null, lastEventId: string | null): unknown {
  const input = text === null || text === '' ? undefined : parsed(text)
  if (lastEventId === null || lastEventId === '') return input
  if (input === undefined || input === null) return { lastEventId }
  return typeof input === 'object' && !Array.isArray(input) ? { ...input, lastEventId } : input
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('invalid_json')
  }
}

/** The input, for the log line about a fault; undefined if it cannot be parsed. */
function namedIn(request: express.Request): unknown {
  try {
    return inputOf(askedOf(request).query.get('input'), null)
  } catch {
    return undefined
  }
}

/** The error in the library's format. */
async function errorOf(ctx: Context, path: string, thrown: unknown): Promise<string> {
  // Errors thrown by a procedure are logged and recorded there.
  const error = thrown instanceof TRPCError ? thrown : await failureOf(ctx, { path }, thrown)
  const type = 'subscription' as const
  const shape = getTRPCErrorShape({ config: appRouter._def._config, ctx, error, input: undefined, path, type })
  return JSON.stringify(shape)
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError'
}
