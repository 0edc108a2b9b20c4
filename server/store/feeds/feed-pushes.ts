/**
 * Stores what was pushed: the events, and the answer under the message's own name, in one transaction. The web tier calls it
 * for pushes that a key authorizes, the worker for those that are signed on top.
 */

import type { FoundEvent } from '#server/domain/feeds/feed-page.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { store } from './feed-events.ts'
import * as feeds from './feeds.ts'

/** A push to be stored. */
export interface Pushed {
  readonly datasourceId: string
  readonly events: readonly FoundEvent[]
  /** The `webhook-id`; null for a push that names itself not. */
  readonly messageId: string | null
  /** The principal's id, or null for the customer, whose signature was checked: their names are apart. */
  readonly senderId: string | null
  /** Keyed hashes of the exact body, the one to keep first. */
  readonly digests: readonly Buffer[]
  readonly now: Date
  /** The pace of a feed that has no row yet. */
  readonly intervalMs: number
}

/** The answer: the number of events, and how many of them were new. */
export interface PushAnswer {
  readonly received: number
  readonly stored: number
}

/**
 * Stores it. A message that its sender sent before stores nothing and is answered as the first time; with another body it is
 * a `conflict`, of which nothing is stored. Null when the datasource is gone.
 *
 * A name is good for one sender: whoever may push could else take the name of a signed message, which would be dropped.
 */
export async function accept(tx: Tx, org: string, pushed: Pushed): Promise<PushAnswer | 'conflict' | null> {
  const { datasourceId, events, messageId, senderId, now, intervalMs } = pushed
  // Pushes to one endpoint take turns, so that a message which comes twice at once is found the second time.
  if ((await lockDatasource(tx, org, { id: datasourceId })) === undefined) return null
  await feeds.ensure(tx, org, { datasourceId, intervalMs })
  const sender = senderId ?? SIGNED
  const kept = messageId === null ? undefined : await answered(tx, org, { datasourceId, messageId, sender })
  if (kept !== undefined) return sameAnswer(kept, pushed.digests)
  const arrived = { datasourceId, events, now, page: null, isVouched: senderId === null }
  const stored = (await store(tx, org, arrived)) ?? 0
  const answer = { received: events.length, stored }
  if (messageId === null) return answer
  const named = { org_id: org, datasource_id: datasourceId, message_id: messageId, sender, at: now }
  const body_hash = pushed.digests[0] ?? null
  await tx
    .insertInto('feed_pushes')
    .values({ ...named, body_hash, ...answer })
    .execute()
  return answer
}

const SIGNED = 'signed'

interface StoredPush extends PushAnswer {
  readonly body_hash: Buffer | null
}

/** Of a push from before hashes were kept, nobody knows the body. */
function sameAnswer({ body_hash, received, stored }: StoredPush, digests: readonly Buffer[]): PushAnswer | 'conflict' {
  const isSame = body_hash === null || digests.some(digest => digest.equals(body_hash))
  return isSame ? { received, stored } : 'conflict'
}

/**
 * Whose endpoint it is; undefined where no organization has a live one of that id. For a push that a signature alone
 * authorizes: nothing else may be looked up without an organization.
 */
export async function organizationOfEndpoint(db: Db, id: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('datasources')
    .select('org_id')
    .where('id', '=', id)
    .where('kind', '=', 'endpoint')
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row?.org_id
}

function answered(
  tx: Tx,
  org: string,
  of: { datasourceId: string; messageId: string; sender: string },
): Promise<StoredPush | undefined> {
  return tx
    .selectFrom('feed_pushes')
    .select(['received', 'stored', 'body_hash'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', of.datasourceId)
    .where('message_id', '=', of.messageId)
    .where('sender', '=', of.sender)
    .executeTakeFirst()
}
