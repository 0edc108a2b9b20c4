/**
 * Stores a push: the events, and the answer under the message's id, in one transaction. The web tier calls it for
 * pushes authorized by a key, the worker for those that are also signed.
 */

import type { FoundEvent } from '#server/domain/feeds/feed-page.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { store } from './feed-events.ts'
import * as feeds from './feeds.ts'

/** A push to store. */
export interface Pushed {
  readonly datasourceId: string
  readonly events: readonly FoundEvent[]
  /** The `webhook-id`; null for a push without one. */
  readonly messageId: string | null
  /**
   * The principal's id, or null for the customer, whose signature was verified: the two have separate message names.
   */
  readonly senderId: string | null
  /** Keyed hashes of the exact body; the first is stored. */
  readonly digests: readonly Buffer[]
  /** The pace of a feed that has no row yet. */
  readonly intervalMs: number
}

/** The answer to a push: the number of events, and how many were new. */
export interface PushAnswer {
  readonly received: number
  readonly stored: number
}

/**
 * Stores a push. A message that its sender sent before stores nothing and gets the first answer again; with a different
 * body it returns `conflict` and stores nothing. Null if the datasource was deleted.
 *
 * A message name belongs to one sender: otherwise anyone who may push could take the name of a signed message, which
 * would be dropped.
 */
export async function accept(unit: UnitOfWork, pushed: Pushed): Promise<PushAnswer | 'conflict' | null> {
  const { tx, org, now } = unit
  const { datasourceId, events, messageId, senderId, intervalMs } = pushed
  // Pushes to one endpoint are serialised, so that a message sent twice at once is recognised the second time.
  if ((await lockDatasource(unit, { id: datasourceId })) === undefined) return null
  await feeds.ensure(unit, { datasourceId, intervalMs })
  const sender = senderId ?? SIGNED
  const kept = messageId === null ? undefined : await answered(unit, { datasourceId, messageId, sender })
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

/** For a push from before hashes were stored, the body is unknown. */
function sameAnswer({ body_hash, received, stored }: StoredPush, digests: readonly Buffer[]): PushAnswer | 'conflict' {
  const isSame = body_hash === null || digests.some(digest => digest.equals(body_hash))
  return isSame ? { received, stored } : 'conflict'
}

/**
 * The organization of an endpoint; undefined if no organization has a live endpoint with that id. For a push that only
 * a signature authorizes: nothing else may be looked up without an organization.
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
  { tx, org }: UnitOfWork,
  { datasourceId, messageId, sender }: { datasourceId: string; messageId: string; sender: string },
): Promise<StoredPush | undefined> {
  return tx
    .selectFrom('feed_pushes')
    .select(['received', 'stored', 'body_hash'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', datasourceId)
    .where('message_id', '=', messageId)
    .where('sender', '=', sender)
    .executeTakeFirst()
}
