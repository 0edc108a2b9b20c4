/**
 * Limits of subscriptions, waiters and replays,
 * which outlast a request.
 */

import { STREAMS, WAITERS } from '#server/api/caller/semaphores.ts'
import { TOLD_IN_A_TURN } from '#server/api/changes/change-feed.ts'
import { MAX_PAGE_BYTES } from '#server/api/changes/feed-page.ts'
import { MAX_PAGES, MAX_STREAMED_BYTES } from '#server/api/changes/feed-pages.ts'
import { MAX_HELD, MAX_HELD_LENGTH } from '#server/api/changes/recent-changes.ts'
import { MAX_PRESENTED, MAX_REPLAYED, READINGS_AT_ONCE } from '#server/api/changes/replay.ts'
import { readConfig } from '#server/config.ts'
import { MAX_BACKLOG_BYTES } from '#server/rest/http/backlog.ts'
import { STALLED_MS } from '#server/rest/http/event-writer.ts'
import type { Limit } from './limit.ts'

const TOO_MANY = '429 `rate_limit_exceeded`, with `Retry-After`'

const places = ({ places, what, names }: { what: string; places: typeof STREAMS; names: string }): Limit[] => {
  const rows = [
    ['of a key or capability, in each web process', places.perKey],
    ['of an organization, in each web process', places.perOrganization],
    ['of a web process', places.perProcess],
  ] as const
  return rows.map(([whose, bound]) => ({
    what: `${what} ${whose}`,
    ...{ bound, unit: what.toLowerCase(), happens: 'refused', how: TOO_MANY },
    test: ['attacks/sizes/streams', names],
    holds: ['server/api/caller/semaphores.ts #held'],
  }))
}

const { retention } = readConfig({})

/** Limits of streams. */
export const STREAM_LIMITS: readonly Limit[] = [
  ...places({ what: 'Subscriptions', places: STREAMS, names: 'STREAMS' }),
  ...places({ what: 'Waiting callers', places: WAITERS, names: 'WAITERS' }),
  {
    what: 'Changes of a replay',
    ...{ bound: MAX_REPLAYED, unit: 'changes', happens: 'cut', how: 'then `{ change: "reset" }`: list again' },
    test: ['attacks/sizes/streams', 'MAX_REPLAYED'],
    holds: [
      'server/api/changes/replay.ts from()',
      'server/api/datasources/watch.ts delivered()',
      'server/api/datasources/watch.ts events()',
    ],
  },
  {
    what: 'Concurrent readings for replays, in each web process',
    ...{ bound: READINGS_AT_ONCE, unit: 'readings', happens: 'waits', how: 'for a reading of 100 rows' },
    test: ['attacks/sizes/streams', 'READINGS_AT_ONCE'],
    holds: [
      'server/api/changes/replay.ts #reading',
      'server/api/changes/replay.ts #queued',
      'server/api/changes/replay.ts #waiting',
    ],
  },
  {
    what: 'Datasources that a process holds for replays',
    ...{ bound: MAX_PRESENTED, unit: 'datasources', happens: 'oldest goes', how: 'it is read again' },
    test: ['attacks/sizes/streams', 'MAX_PRESENTED'],
    holds: ['server/api/changes/replay.ts #presented'],
  },
  {
    what: 'Changes that a process holds for the subscribers of an organization',
    ...{ bound: MAX_HELD, unit: 'changes', happens: 'oldest goes', how: 'a slower subscriber reads it from the table' },
    test: ['attacks/sizes/streams', 'MAX_HELD'],
    holds: ['server/api/changes/recent-changes.ts #changes', 'server/api/changes/recent-changes.ts #wakes'],
  },
  {
    what: 'The JSON of those changes',
    ...{ bound: MAX_HELD_LENGTH, unit: 'characters', happens: 'oldest goes', how: 'the same' },
    test: ['attacks/sizes/streams', 'MAX_HELD_LENGTH'],
    holds: ['server/api/changes/recent-changes.ts add()', 'server/api/changes/change-feed.ts #organizations'],
  },
  {
    what: 'Subscribers that receive a change in one turn of the loop',
    ...{ bound: TOLD_IN_A_TURN, unit: 'subscribers', happens: 'waits', how: 'for the next turn' },
    test: ['attacks/sizes/streams', 'TOLD_IN_A_TURN'],
    holds: ['server/api/changes/feed-heads.ts #watchers'],
  },
  {
    what: 'Time for which a subscriber may leave an event unread',
    ...{ bound: STALLED_MS, unit: 'ms', happens: 'refused', how: 'the stream is cut off; it resumes from its last id' },
    test: ['attacks/sizes/streams', 'STALLED_MS'],
    holds: ['server/rest/http/subscription.ts trackedOnly()', 'server/rest/http/subscription.ts subscriptions()'],
  },
  {
    what: 'Bytes that wait for the slow subscribers of an organization',
    ...{
      bound: MAX_BACKLOG_BYTES,
      unit: 'bytes',
      happens: 'refused',
      how: 'the stream is cut off; it resumes from its last id',
    },
    test: ['attacks/sizes/streams', 'MAX_BACKLOG_BYTES'],
    holds: ['server/rest/http/backlog.ts #bytes'],
  },
  {
    what: 'Retention of changes for replays',
    ...{ bound: retention.changesMs, unit: 'ms', setting: 'MOORING_KEEP_CHANGES_DAYS' },
    ...{ happens: 'oldest goes', how: 'list again' },
    test: ['house/limits-bounds', 'changesMs'],
    holds: ['table changes'],
  },
  {
    what: 'Events of a page that a subscriber of a feed holds',
    ...{
      bound: MAX_STREAMED_BYTES,
      unit: 'bytes',
      happens: 'waits',
      how: 'the next page is read when this one is sent',
    },
    test: ['feeds/feed-read', 'delivers the stored events, then new ones, each once and in order'],
    holds: ['server/api/feeds/watch-feed.ts stored()', 'server/api/feeds/watch-feed.ts events()'],
  },
  {
    what: 'Pages of feeds that a process shares among subscribers at the same position',
    ...{ bound: MAX_PAGES, unit: 'pages', happens: 'oldest goes', how: 'it is read again' },
    test: ['attacks/sizes/streams', 'MAX_PAGES'],
    holds: ['server/api/changes/feed-pages.ts #pages'],
  },
  {
    what: 'Events that a page of a feed holds in memory',
    ...{ bound: MAX_PAGE_BYTES, unit: 'bytes', happens: 'cut', how: '`nextCursor` shows that there are more' },
    test: ['feeds/feed-read', 'is cut short when its events are large, and reports that there are more'],
    holds: [],
  },
]
