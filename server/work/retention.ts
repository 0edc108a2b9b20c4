/**
 * Forgets what feeds need not keep any longer: beside the tasks, in small batches, so that neither a claim nor a poll waits
 * for it. Any number of workers may do it at once.
 */
import * as retention from '#server/store/feed-retention.ts'
import type { WorkerParts } from './parts.ts'

const EVERY_MS = 60_000

/** How long an answer to a push is remembered: its signature is good for ten minutes, its sender may retry for days. */
export const PUSHES_KEPT_MS = 7 * 86_400_000

/** Runs until there is nothing left that is older than it may be, or `stopped` is aborted. */
export async function forget(
  parts: Pick<WorkerParts, 'db' | 'clock'>,
  of: { retentionMs: number; stopped: AbortSignal },
): Promise<void> {
  const now = parts.clock().getTime()
  const before = new Date(now - of.retentionMs)
  while (!of.stopped.aborted && (await retention.blankBatch(parts.db, before)));
  while (!of.stopped.aborted && (await retention.clearBatch(parts.db)));
  await retention.forgetPushes(parts.db, new Date(now - PUSHES_KEPT_MS))
}

/** Begins to forget, once a minute. The returned function stops it and resolves when the batch under way is done. */
export function startForgetting(
  parts: Pick<WorkerParts, 'db' | 'clock' | 'log'>,
  of: { retentionMs: number },
): () => Promise<void> {
  const stop = new AbortController()
  let running: Promise<void> = Promise.resolve()
  let isRunning = false
  const timer = setInterval(() => {
    if (isRunning) return
    isRunning = true
    running = forget(parts, { ...of, stopped: stop.signal })
      .catch((cause: unknown) => parts.log.error({ cause }, 'old events could not be removed'))
      .finally(() => {
        isRunning = false
      })
  }, EVERY_MS)
  return async () => {
    stop.abort()
    clearInterval(timer)
    await running
  }
}
