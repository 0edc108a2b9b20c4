/**
 * Limits of what lasts longer than a request: subscriptions, waiters, replays.
 */
import { MAX_PAGE_BYTES } from '#server/api/read-feed.ts'
import { MAX_WAITING } from '#server/api/waiting.ts'
import { CHANGES_KEPT_MS } from '#server/work/sweep.ts'
import type { Limit } from './limit.ts'

/** Limits of streams. */
export const STREAM_LIMITS: readonly Limit[] = [
  {
    what: 'Changes that wait for a slow subscriber',
    ...{
      bound: MAX_WAITING,
      unit: 'changes',
      happens: 'waits',
      how: 'later ones are read from the table when it reads on',
    },
    test: ['watch', 'who is slow is told everything all the same'],
    holds: ['server/api/waiting.ts #changes', 'server/api/watch.ts told()', 'server/api/watch.ts missed()'],
  },
  {
    what: 'Time for which changes can be replayed',
    ...{ bound: CHANGES_KEPT_MS, unit: 'ms', happens: 'oldest goes', how: 'list anew' },
    test: ['limits-bounds', 'CHANGES_KEPT_MS'],
    holds: ['table changes'],
  },
  {
    what: 'Events that a page of a feed holds in memory',
    ...{ bound: MAX_PAGE_BYTES, unit: 'bytes', happens: 'cut', how: '`nextCursor` tells of more' },
    test: ['feed-read', 'is cut where its events are large, and says that there are more'],
    holds: ['server/api/watch-feed.ts stored()'],
  },
]
