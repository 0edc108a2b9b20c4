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
import { rowOf } from './present.ts'
import { procedure } from './trpc.ts'

const RECHECK_MS = 15_000
const MAX_WAITING = 1_000

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
  .subscription(async function* ({ ctx, input, signal }) {
    const only = input?.id === undefined ? null : (await rowOf(ctx, input.id)).id
    const isTheirs = (change: ToldChange) =>
      (only === null || change.datasourceId === only) &&
      refusal(ctx.principal, 'datasources.read', { datasourceId: change.datasourceId }) === null
    for await (const change of told(ctx, { lastEventId: input?.lastEventId ?? null, signal })) {
      if (!isTheirs(change)) continue
      const { datasource } = change
      yield tracked(`${change.xid}-${change.id}`, { id: datasource.id, change: change.change, datasource })
    }
  })

/** What was missed, then what happens. Ends with the request, the process, or the credential. */
async function* told(ctx: KnownContext, of: { lastEventId: string | null; signal: AbortSignal | undefined }) {
  const { changeFeed } = ctx.parts
  const org = ctx.principal.organizationId
  const waiting: ToldChange[] = []
  const ended = AbortSignal.any([changeFeed.ended, ...(of.signal === undefined ? [] : [of.signal])])
  let ring: () => void = () => undefined
  // Listening begins before the look back, so that nothing falls between the two.
  const stop = await changeFeed.subscribe(org, change => {
    waiting.push(change)
    ring()
  })
  try {
    let last = positionOf(of.lastEventId)
    for (let missed = last === null ? [] : await changeFeed.since(org, last); missed.length > 0; ) {
      yield* missed
      last = missed.at(-1) ?? last
      missed = last === null ? [] : await changeFeed.since(org, last)
    }
    while (!ended.aborted) {
      // A subscriber too slow for his organization comes back for the rest with his last event's id.
      if (waiting.length > MAX_WAITING) throw new Fault('rate_limited')
      for (const change of waiting.splice(0)) if (last === null || isAfter(change, last)) yield change
      if (waiting.length === 0 && !(await woken(ended, wake => (ring = wake)))) await ctx.recheck()
    }
  } finally {
    stop()
  }
}

/** Waits for a ring or the end, or for so long that the credential should be looked at again (false then). */
function woken(ended: AbortSignal, arm: (wake: () => void) => void): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), RECHECK_MS)
  const wake = () => {
    clearTimeout(timer)
    resolve(true)
  }
  arm(wake)
  ended.addEventListener('abort', wake, { once: true })
  return promise.finally(() => ended.removeEventListener('abort', wake))
}

function positionOf(eventId: string | null): Position | null {
  const [xid, id] = eventId?.split('-') ?? []
  return xid === undefined || id === undefined ? null : { xid, id: Number(id) }
}

function isAfter(one: Position, other: Position): boolean {
  const [left, right] = [BigInt(one.xid), BigInt(other.xid)]
  return left === right ? one.id > other.id : left > right
}
