/**
 * Forgets what need not be kept any longer, of feeds and of everything that has ended: beside the tasks, in small batches, so that neither a claim nor a poll waits
 * for it. Any number of workers may do it at once.
 */
import * as retention from '#server/store/feed-retention.ts'
import * as oldRows from '#server/store/old-rows.ts'
import type { WorkerParts } from './parts.ts'

const EVERY_MS = 60_000
const DAY_MS = 86_400_000

/** How long an answer to a push is remembered: its signature is good for ten minutes, its sender may retry for days. */
export const PUSHES_KEPT_MS = 7 * 86_400_000

/** How long a verification is kept that is no longer the one that its datasource shows. */
export const VERIFICATIONS_KEPT_MS = 90 * DAY_MS
/** How long the rows of a removed datasource are kept; its credentials were destroyed when it was removed. */
export const REMOVED_KEPT_MS = 30 * DAY_MS
/** How long the row of an ended lease is kept. */
export const LEASES_KEPT_MS = 90 * DAY_MS
/** How long the rows of a revoked key, and of a capability that ended, are kept. */
export const REVOKED_KEPT_MS = 400 * DAY_MS

/** In this order: a lease refers to a capability, and that to the key that made it. */
const FORGETTERS = [
  [oldRows.forgetVerifications, VERIFICATIONS_KEPT_MS],
  [oldRows.forgetDatasource, REMOVED_KEPT_MS],
  [oldRows.forgetLeases, LEASES_KEPT_MS],
  [oldRows.forgetCapabilities, REVOKED_KEPT_MS],
  [oldRows.forgetKeys, REVOKED_KEPT_MS],
] as const

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
  for (const [forgetBatch, keptMs] of FORGETTERS) {
    while (!of.stopped.aborted && (await forgetBatch(parts.db, new Date(now - keptMs))));
  }
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
      .catch((cause: unknown) => parts.log.error({ cause }, 'old rows could not be removed'))
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
