/**
 * Limits of what is kept in our own database for a caller.
 */
import { DAY_MS } from '#server/api/once.ts'
import { readConfig } from '#server/config.ts'
import { PUSHES_KEPT_MS } from '#server/work/retention.ts'
import type { Limit } from './limit.ts'

const { feeds } = readConfig({})

/** Limits of storage. */
export const STORAGE_LIMITS: readonly Limit[] = [
  {
    what: 'Time for which an idempotency key is good',
    ...{ bound: DAY_MS, unit: 'ms', happens: 'oldest goes', how: 'the key is new again' },
    test: ['idempotency', 'After 24 hours'],
    holds: ['table idempotency_keys'],
  },
  {
    what: "Time for which an event's content is kept",
    ...{ bound: feeds.retentionMs, unit: 'ms', setting: 'MOORING_EVENT_RETENTION_SECONDS' },
    ...{ happens: 'oldest goes', how: 'its id stays, so that a repeated page does not bring it back' },
    test: ['feed-read', 'removes what events held, keeps their ids'],
    holds: ['table feed_events', 'server/work/retention.ts forget()'],
  },
  {
    what: 'Time for which an answer to a push is kept',
    ...{ bound: PUSHES_KEPT_MS, unit: 'ms', happens: 'oldest goes', how: 'the message id is new again' },
    test: ['limits-bounds', 'PUSHES_KEPT_MS'],
    holds: ['table feed_pushes'],
  },
]
