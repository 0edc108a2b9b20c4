/**
 * Frequent operations of workers, and of web processes for their subscribers, through the functions that they call.
 * Callers' rows are in `rows.ts`.
 */

import { newId } from '#server/domain/access/ids.ts'
import * as changeReads from '#server/store/changes/change-reads.ts'
import { transaction } from '#server/store/database/db.ts'
import * as schedule from '#server/store/datasources/schedule.ts'
import * as verdicts from '#server/store/datasources/verdicts.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import * as claimReturn from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { purgeLater } from '#test/support/operations/forgetting.ts'
import type { Row } from './row.ts'
import type { Site } from './site.ts'

const ASK = { kinds: ['verify'] as const, limit: 8, perOrganization: 3, held: [], leaseMs: 60_000 }
const rounds = new WeakMap<Site, claims.Rounds>()

function claimed(site: Site): Promise<claims.Claim[]> {
  const known = rounds.get(site) ?? new Map()
  rounds.set(site, known)
  return claims.claim(site.db, { ...ASK, priorities: ['asked', 'scheduled'], now: new Date(), rounds: known })
}

function settled(site: Site, claim: claims.Claim): Promise<void> {
  const now = new Date()
  const verdict = {
    id: newId(),
    datasourceId: claim.datasourceId ?? '',
    version: 1,
    outcome: 'passed' as const,
    reason: null,
  }
  const after = { status: 'active' as const, refusals: 0, refusedAt: null }
  return verdicts.settle(site.db, claim, {
    verdict: { ...verdict, checks: [{ item: 'host', outcome: 'pass' }], advisories: [], tookMs: 20, at: now },
    ...{ state: 'current', after, reason: null, signed: null, failed: false, isMade: true, introspection: null },
    // Due again at once, so that the number of due checks stays the same.
    dueAt: now,
  })
}

/** A worker's row. */
const work = (name: string, count: number, prepare: Row['prepare']): Row => ({ name, count, prepare })

/** The workers' rows. */
export const WORKERS: readonly Row[] = [
  work(
    'look for what is due',
    60,
    async ({ db }) =>
      () =>
        claims.prioritiesDue(db, { kinds: ['verify'], now: new Date() }),
  ),
  work('claim eight and give them back', 30, async site => async () => {
    const found = await claimed(site)
    if (found.length < ASK.limit) throw new Error('the claim came short')
    // Due again, as they were.
    for (const one of found) await claimReturn.release(site.db, one, new Date())
  }),
  {
    ...work('settle a check', 60, async () => async () => undefined),
    async prepare(site) {
      const held: claims.Claim[] = []
      while (held.length < 60) {
        held.push(...(await claimed(site)))
      }
      return async () => {
        const claim = held.pop()
        if (claim !== undefined) await settled(site, claim)
      }
    },
  },
  work(
    'bring checks forward, small',
    20,
    async site => () => transaction(site.db, tx => schedule.bringForward(unitOf(tx, site.small.id, new Date()), 3_600)),
  ),
  work('heads of feeds', 40, async site => {
    const feeds = Array.from({ length: 50 }, () => ({ organizationId: site.large.id, datasourceId: site.next() }))
    return () => feedEvents.heads(site.db, feeds)
  }),
  work('news of changes', 40, async site => {
    const found = await changeReads.heads(site.db, [site.large.id, site.small.id])
    const behind = new Map([...found].map(([org, { epoch, n }]) => [org, { epoch, n: Math.max(0, n - 20) }]))
    return () => changeReads.newsOf(site.db, behind, { each: 100, limit: 1_000 })
  }),
  work('changes without a number', 40, async site => () => changeReads.unnumbered(site.db, null)),
  work(
    'a turn of retention',
    4,
    async ({ db }) =>
      () =>
        purgeLater(db, 0),
  ),
]
