/**
 * The tables of `migrations/0013_feeds.sql` and `0023_pushed_names.sql` as Kysely types, for `db.ts`, which is long enough.
 * The columns and their constraints are there.
 */
import type { Generated } from 'kysely'

/** The table `feeds`. */
export interface FeedsTable {
  org_id: string
  datasource_id: string
  cursor: string | null
  position: Generated<number>
  removed_to: Generated<number>
  oldest_at: Date | null
  newest_event_ms: number | null
  polled_at: Date | null
  drained: Generated<boolean>
  pages: Generated<number>
  interval_ms: number
  retry_count: Generated<number>
  last_request_at: Date | null
  last_success_at: Date | null
  last_error: string | null
  rotation_error: string | null
}

/** The table `feed_events`. */
export interface FeedEventsTable {
  org_id: string
  datasource_id: string
  position: number
  event_id: string
  event: string | null
  bytes: number
  stored_at: Date
  vouched: Generated<boolean>
}

/** The table `feed_pushes`. */
export interface FeedPushesTable {
  org_id: string
  datasource_id: string
  message_id: string
  received: number
  stored: number
  at: Date
  sender: Generated<string>
  body_hash: Buffer | null
}
