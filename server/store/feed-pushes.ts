/**
 * Stores what was pushed: the events, and the answer under the message's own name, in one transaction. The web tier calls it
 * for pushes that a key authorizes, the worker for those that are signed on top.
 */
import type { FoundEvent } from '#server/domain/feed-page.ts'
import * as datasources from './datasources.ts'
import type { Tx } from './db.ts'
import { store } from './feed-events.ts'
import * as feeds from './feeds.ts'

/** A push to be stored. */
export interface Pushed {
  readonly datasourceId: string
  readonly events: readonly FoundEvent[]
  /** The `webhook-id`; null for a push that names itself not. */
  readonly messageId: string | null
  readonly now: Date
  /** The pace of a feed that has no row yet. */
  readonly intervalMs: number
}

/** What is answered: how many events there were, and how many of them were new. */
export interface PushAnswer {
  readonly received: number
  readonly stored: number
}

/**
 * Stores it. A message that was accepted before stores nothing and is answered as the first time, whatever it holds now.
 * Null when the datasource is gone.
 */
export async function accept(tx: Tx, org: string, pushed: Pushed): Promise<PushAnswer | null> {
  const { datasourceId, events, messageId, now, intervalMs } = pushed
  // Pushes to one endpoint take turns, so that a message which comes twice at once is found the second time.
  if ((await datasources.lock(tx, org, { id: datasourceId })) === undefined) return null
  await feeds.ensure(tx, org, { datasourceId, intervalMs })
  const kept = messageId === null ? undefined : await answered(tx, org, { datasourceId, messageId })
  if (kept !== undefined) return kept
  const stored = (await store(tx, org, { datasourceId, events, now, page: null })) ?? 0
  const answer = { received: events.length, stored }
  if (messageId === null) return answer
  await tx
    .insertInto('feed_pushes')
    .values({ org_id: org, datasource_id: datasourceId, message_id: messageId, ...answer, at: now })
    .execute()
  return answer
}

function answered(
  tx: Tx,
  org: string,
  of: { datasourceId: string; messageId: string },
): Promise<PushAnswer | undefined> {
  return tx
    .selectFrom('feed_pushes')
    .select(['received', 'stored'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', of.datasourceId)
    .where('message_id', '=', of.messageId)
    .executeTakeFirst()
}
