/**
 * `datasources.watch`: every change of the organization's datasources, as it happens. The id of an event is its place in
 * the order of changes, so a subscriber who comes back with the last one he saw misses none.
 */
import { tracked } from '@trpc/server'
import { z } from 'zod'
import { refusal } from '#server/domain/scope.ts'
import type { Position } from '#server/store/changes.ts'
import { Fault } from '#shared/fault.ts'
import { DatasourceId } from '#shared/wire.ts'
import type { ToldChange } from './change-feed.ts'
import type { KnownContext } from './context.ts'
import { rowOf } from './find.ts'
import { failureOf, procedure } from './trpc.ts'
import { Waiting } from './waiting.ts'

const RECHECK_MS = 15_000
const MIN_IDLE_MS = 1_000

const WatchInput = z
  .strictObject({
    id: DatasourceId.optional(),
    lastEventId: z
      .string()
      .regex(/^\d{1,20}-\d{1,19}$/)
      .nullish(),
  })
  .optional()

/** The procedure; `datasources.ts` puts it into its router. */
export const watchProcedure = procedure('datasources.read')
  .input(WatchInput)
  .subscription(async ({ ctx, input, signal, path }) => {
    const only = input?.id === undefined ? null : (await rowOf(ctx, input.id)).id
    const ended = AbortSignal.any([ctx.parts.changeFeed.ended, ...(signal === undefined ? [] : [signal])])
    const after = positionOf(input?.lastEventId ?? null)
    // Before he is told that he is connected: what happens from then on, he is not to miss.
    const listening = await listen(ctx, { after, ended })
    return events(ctx, { ...listening, only, after, ended, path })
  })

interface Listening {
  readonly waiting: Waiting
  readonly stop: () => void
}

/** Begins to listen; ends with the stream, also one that is left before its first event was asked for. */
async function listen(ctx: KnownContext, of: { after: Position | null; ended: AbortSignal }): Promise<Listening> {
  const waiting = new Waiting({ isBehind: of.after !== null })
  const org = ctx.principal.organizationId
  const stop = await ctx.parts.changeFeed.subscribe(org, change => waiting.put(change))
  if (of.ended.aborted) stop()
  of.ended.addEventListener('abort', stop, { once: true })
  return { waiting, stop }
}

interface Watched extends Listening {
  readonly only: string | null
  readonly after: Position | null
  readonly ended: AbortSignal
  readonly path: string
}

/** The changes that the caller may see and asked for, as he is told them. */
async function* events(ctx: KnownContext, of: Watched) {
  const { only, path } = of
  const isTheirs = (change: ToldChange) =>
    (only === null || change.datasourceId === only) &&
    refusal(ctx.principal, 'datasources.read', { datasourceId: change.datasourceId }) === null
  try {
    for await (const change of told(ctx, of)) {
      if (!isTheirs(change)) continue
      const { datasource } = change
      yield tracked(`${change.xid}-${change.id}`, { id: datasource.id, change: change.change, datasource })
    }
  } catch (thrown) {
    throw isAbort(thrown) ? thrown : await failureOf(ctx, path, thrown)
  }
}

/** What was missed, then what happens, in order and each once. Ends with the request, the process, or the credential. */
async function* told(ctx: KnownContext, { waiting, stop, after, ended }: Watched) {
  const credential = rechecking(ctx)
  try {
    for (let last = after; !ended.aborted; ) {
      const next = waiting.isCut() && last !== null ? missed(ctx, last) : waiting.take()
      for await (const change of next) {
        if (last !== null && !isAfter(change, last)) continue
        await credential.check()
        yield change
        last = change
      }
      // While our database is away nothing is told either, so only a credential that is known to be dead ends this.
      const idleMs = Math.max(MIN_IDLE_MS, credential.leftMs())
      if (!(await waiting.filled(ended, idleMs))) await credential.check().catch(unlessFault)
    }
    // Broken off rather than ended: the caller comes back, to a process that goes on.
    if (ctx.parts.changeFeed.ended.aborted) throw new DOMException('the process is stopping', 'AbortError')
  } finally {
    stop()
  }
}

async function* missed(ctx: KnownContext, after: Position) {
  const org = ctx.principal.organizationId
  for (let at = after; ; ) {
    const found = await ctx.parts.changeFeed.since(org, at)
    const last = found.at(-1)
    if (last === undefined) return
    yield* found
    at = last
  }
}

/** Looks at the credential again when it has not been looked at for a while, however busy the stream is. */
function rechecking(ctx: KnownContext) {
  const now = () => ctx.parts.clock().getTime()
  let checkedAt = now()
  // A clock that was put back is no reason to trust for longer.
  const leftMs = () => RECHECK_MS - Math.abs(now() - checkedAt)
  return {
    leftMs,
    check: async () => {
      if (leftMs() > 0) return
      await ctx.recheck()
      checkedAt = now()
    },
  }
}

function unlessFault(thrown: unknown): void {
  if (thrown instanceof Fault) throw thrown
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === 'AbortError'
}

function positionOf(eventId: string | null): Position | null {
  const [xid, id] = eventId?.split('-') ?? []
  return xid === undefined || id === undefined ? null : { xid, id: Number(id) }
}

function isAfter(one: Position, other: Position): boolean {
  const [left, right] = [BigInt(one.xid), BigInt(other.xid)]
  return left === right ? one.id > other.id : left > right
}
