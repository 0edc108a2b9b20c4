/**
 * `datasources.watch`: every change of the organization's datasources, as it happens. The id of an event is its
 * position in the order of changes (`epoch-n`), so a subscriber that reconnects with its last id misses none, or must
 * list again.
 */
import { tracked } from '@trpc/server'
import { z } from 'zod'
import type { SentChange, SentEvent } from '#server/api/changes/recent-changes.ts'
import { Subscriber } from '#server/api/changes/subscriber.ts'
import type { KnownContext } from '#server/api/context.ts'
import { recheckLater } from '#server/api/procedure/recheck.ts'
import { requireDatasource } from '#server/api/procedure/require-datasource.ts'
import { failureOf, procedure } from '#server/api/procedure/trpc.ts'
import { refusal, requireScope } from '#server/domain/access/scope.ts'
import type { Position } from '#server/store/changes/change-reads.ts'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { Fault } from '#shared/faults/fault.ts'

const MIN_IDLE_MS = 1_000

/**
 * True if the number of an event id may belong to a change. The epoch is not checked: an earlier release used another
 * format there.
 */
const isPlace = (eventId: string) => Number.isSafeInteger(Number(eventId.split('-')[1]))

const WatchInput = z
  .strictObject({
    id: DatasourceId.optional(),
    lastEventId: z
      .string()
      .regex(/^\d{1,20}-\d{1,19}$/, { abort: true })
      .refine(isPlace, { error: 'not an event id of this subscription' })
      .nullish(),
  })
  .optional()

/** An event for a subscriber: a change, or `reset` after too many changes, after which it lists again. */
export type WatchEvent = SentEvent | { readonly change: 'reset' }

/** The procedure; `datasources.ts` adds it to its router. */
export const watchProcedure = procedure('datasources.read')
  .input(WatchInput)
  .subscription(async ({ ctx, input, signal, path }) => {
    const place = ctx.deps.streams.take(ctx.principal)
    try {
      const only = input?.id === undefined ? null : await watched(ctx, input.id)
      const ended = AbortSignal.any([ctx.deps.changeFeed.ended, ...(signal === undefined ? [] : [signal])])
      const after = positionOf(input?.lastEventId ?? null)
      // Before the caller learns that it is connected: it must not miss anything that happens from then on.
      const listening = await listen(ctx, { after, ended, place })
      return events(ctx, { ...listening, only, after, ended, path, input })
    } catch (thrown) {
      place[Symbol.dispose]()
      throw thrown
    }
  })

/**
 * The UUID of a datasource that the caller may read: a stream of one that it may not read would stay silent forever.
 */
async function watched(ctx: KnownContext, id: DatasourceId): Promise<string> {
  const row = await requireDatasource(ctx, id)
  requireScope(ctx.principal, 'datasources.read', { datasourceId: row.id })
  return row.id
}

interface Listening {
  readonly subscriber: Subscriber
  /** The starting position of a subscriber without a `lastEventId`. */
  readonly from: Position
  readonly stop: () => void
}

/** Starts listening; ends with the stream, even if the stream is closed before its first event was requested. */
async function listen(
  ctx: KnownContext,
  stream: { after: Position | null; ended: AbortSignal; place: Disposable },
): Promise<Listening> {
  const { changeFeed } = ctx.deps
  const begun: { subscriber?: Subscriber; from?: () => Position | null } = {}
  const leave = await changeFeed.subscribe(ctx.principal.organizationId, recent => {
    const place = recent.place
    begun.from = () => place ?? recent.place
    begun.subscriber = new Subscriber(recent, { isBehind: stream.after !== null })
    return begun.subscriber.wake
  })
  const stop = () => {
    leave()
    stream.place[Symbol.dispose]()
  }
  if (stream.ended.aborted) stop()
  stream.ended.addEventListener('abort', stop, { once: true })
  const { subscriber } = begun
  const from = begun.from?.() ?? null
  if (subscriber === undefined || from === null) throw new Error('the feed has not begun')
  return { subscriber, from, stop }
}

interface Watched extends Listening {
  readonly only: string | null
  readonly after: Position | null
  readonly ended: AbortSignal
  readonly path: string
  /** The input, for log lines about a failure, which name its datasource. */
  readonly input: unknown
}

/** The changes that the caller may see and asked for. Each event is one object, shared by all recipients. */
async function* events(ctx: KnownContext, stream: Watched) {
  const { only, path, input } = stream
  const isTheirs = (change: SentChange) =>
    (only === null || change.datasourceId === only) &&
    refusal(ctx.principal, 'datasources.read', { datasourceId: change.datasourceId }) === null
  try {
    for await (const change of delivered(ctx, stream)) {
      if ('reset' in change) yield tracked<WatchEvent>(change.reset, { change: 'reset' })
      else if (isTheirs(change)) yield tracked<WatchEvent>(change.event.id, change.event.sent)
    }
  } catch (thrown) {
    throw isAbort(thrown) ? thrown : await failureOf(ctx, { path, input }, thrown)
  }
}

/** The id from which a subscriber continues after it lists again. */
interface Reset {
  readonly reset: string
}

/** The missed changes, then new ones, in order and each once. Ends with the request, the process, or the credential. */
async function* delivered(
  ctx: KnownContext,
  { subscriber, stop, only, after, from, ended }: Watched,
): AsyncGenerator<SentChange | Reset> {
  const { changeFeed } = ctx.deps
  const credential = recheckLater(ctx)
  const { organizationId } = ctx.principal
  // A caller who may see, or asked for, only some datasources does not read all changes.
  const datasourceIds = only === null ? ctx.principal.datasourceIds : [only]
  const missed = (last: Position) => changeFeed.replays.from(organizationId, { after: last, datasourceIds })
  try {
    for (let last = after ?? from; !ended.aborted; ) {
      for await (const change of next(subscriber, () => missed(last))) {
        if (credential.isDue()) await credential.check()
        if (change === 'reset') {
          last = await changeFeed.latest(organizationId)
          yield { reset: `${last.epoch}-${last.n}` }
          break
        }
        if (change.epoch === last.epoch && change.n <= last.n) continue
        yield change
        last = { epoch: change.epoch, n: change.n }
      }
      // While our own database is unavailable, no changes are delivered either, so only a credential known to be
      // invalid ends the stream.
      const idleMs = Math.max(MIN_IDLE_MS, credential.leftMs())
      if (!(await subscriber.filled(ended, idleMs))) await credential.check().catch(unlessFault)
    }
    // Aborted rather than ended: the caller reconnects, to a process that keeps running.
    if (changeFeed.ended.aborted) throw new DOMException('the process is stopping', 'AbortError')
  } finally {
    stop()
  }
}

/** The changes to read now: from the table if some were missed, otherwise from memory. */
async function* next(
  subscriber: Subscriber,
  missed: () => AsyncGenerator<SentChange | 'reset'>,
): AsyncGenerator<SentChange | 'reset'> {
  if (subscriber.isCut()) return yield* missed()
  for (let change = subscriber.take(); change !== null; change = subscriber.take()) yield change
}

function unlessFault(thrown: unknown): void {
  if (thrown instanceof Fault) throw thrown
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError'
}

function positionOf(eventId: string | null): Position | null {
  const [epoch, n] = eventId?.split('-') ?? []
  return epoch === undefined || n === undefined ? null : { epoch, n: Number(n) }
}
