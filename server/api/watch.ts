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
  .subscription(async function* ({ ctx, input, signal, path }) {
    try {
      const only = input?.id === undefined ? null : (await rowOf(ctx, input.id)).id
      const isTheirs = (change: ToldChange) =>
        (only === null || change.datasourceId === only) &&
        refusal(ctx.principal, 'datasources.read', { datasourceId: change.datasourceId }) === null
      for await (const change of told(ctx, { after: positionOf(input?.lastEventId ?? null), signal })) {
        if (!isTheirs(change)) continue
        const { datasource } = change
        yield tracked(`${change.xid}-${change.id}`, { id: datasource.id, change: change.change, datasource })
      }
    } catch (thrown) {
      throw isAbort(thrown) ? thrown : await failureOf(ctx, path, thrown)
    }
  })

/** What was missed, then what happens, in order and each once. Ends with the request, the process, or the credential. */
async function* told(ctx: KnownContext, of: { after: Position | null; signal: AbortSignal | undefined }) {
  const { changeFeed } = ctx.parts
  const org = ctx.principal.organizationId
  const ended = AbortSignal.any([changeFeed.ended, ...(of.signal === undefined ? [] : [of.signal])])
  const credential = rechecking(ctx)
  const waiting = new Waiting({ isBehind: of.after !== null })
  // Listening begins before the look back, so that nothing falls between the two.
  const stop = await changeFeed.subscribe(org, change => waiting.put(change))
  try {
    for (let last = of.after; !ended.aborted; ) {
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
    if (changeFeed.ended.aborted) throw new DOMException('the process is stopping', 'AbortError')
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
