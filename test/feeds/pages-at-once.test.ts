/**
 * A page of a feed is stored in one statement. While others hold its rows it waits, sees their new state, and writes
 * all of its effect or nothing.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { transaction } from '#server/store/database/db.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import * as feedPushes from '#server/store/feeds/feed-pushes.ts'
import * as feeds from '#server/store/feeds/feeds.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { Tx } from '#server/store/tables/tables.ts'
import { release } from '#server/store/tasks/claim-release.ts'
import type * as claims from '#server/store/tasks/claims.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { claimed, later, meanwhile, NOW } from '#test/support/database/meanwhile.ts'
import { query } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { events } from '#test/support/feeds/followed.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

const org = () => mooring.organization.id
const rows = (sql: string) => query(mooring.databaseUrl, sql)

describe('A page of a feed that waits', () => {
  let made = 0
  async function followedFeed(): Promise<{ id: string; claim: claims.Claim }> {
    const registration = { endpoint: `https://127.0.0.1/source/${made++}`, signingKey: 'sk_test_of_nobody_at_all' }
    const id = bareUuid((await mooring.client().datasources.register.mutate(registration)).id)
    await transaction(mooring.db, tx => feeds.ensure(unitOf(tx, org()), { datasourceId: id, intervalMs: 1_000 }))
    return { id, claim: await claimed(mooring, { kind: 'poll', id }) }
  }
  const found = (from: number, to: number) =>
    events(from, to).map(event => ({ id: event.id, occurredAtMs: event.occurredAt, json: JSON.stringify(event) }))
  const page = (claim: claims.Claim): feedEvents.PolledPage => ({
    claim,
    cursor: 'next',
    drained: true,
    requestedAt: NOW,
    next: { withNew: { dueAt: later(60), intervalMs: 1_000 }, without: { dueAt: later(900), intervalMs: 1_500 } },
  })
  const store = (id: string, { from, to, claim }: { claim: claims.Claim; from: number; to: number }) => {
    const arrived = { datasourceId: id, events: found(from, to), now: NOW, page: page(claim), isVouched: true }
    return feedEvents.store(mooring.db, org(), arrived)
  }
  const pushing = (id: string, from: number, to: number) => (tx: Tx) =>
    feedPushes.accept(unitOf(tx, org(), NOW), {
      datasourceId: id,
      events: found(from, to),
      messageId: null,
      senderId: newId(),
      digests: [],
      intervalMs: 1,
    })
  const stored = (id: string) =>
    rows(`select position, event_id from feed_events where datasource_id = '${id}' order by position`)

  it('for a push stores its other events after the push, and counts those alone as new', async () => {
    const { id, claim } = await followedFeed()
    expect(
      await meanwhile(mooring, { holding: pushing(id, 0, 3), waiting: () => store(id, { claim, from: 1, to: 6 }) }),
    ).toBe(3)
    const all = await stored(id)
    expect(all.map(row => row['event_id'])).toEqual(['e0', 'e1', 'e2', 'e3', 'e4', 'e5'])
    expect(
      await rows(`select position, cursor, pages, newest_event_ms from feeds where datasource_id = '${id}'`),
    ).toEqual([
      {
        position: all.at(-1)?.['position'],
        cursor: 'next',
        pages: '1',
        newest_event_ms: String(events(5, 6)[0]?.occurredAt),
      },
    ])
    expect(await rows(`select due_at, locked_until from tasks where id = '${claim.id}'`)).toEqual([
      { due_at: later(60), locked_until: null },
    ])
  })

  it('for a push of the same events has nothing new, and polls at the slower pace', async () => {
    const { id, claim } = await followedFeed()
    expect(
      await meanwhile(mooring, { holding: pushing(id, 0, 3), waiting: () => store(id, { claim, from: 0, to: 3 }) }),
    ).toBe(0)
    expect(await stored(id)).toHaveLength(3)
    expect(await rows(`select interval_ms, position from feeds where datasource_id = '${id}'`)).toEqual([
      { interval_ms: 1_500, position: '3' },
    ])
    expect(await rows(`select due_at from tasks where id = '${claim.id}'`)).toEqual([{ due_at: later(900) }])
  })

  it('for a request to poll is followed by that poll at once', async () => {
    const { id, claim } = await followedFeed()
    const asking = (tx: Tx) => tasks.request(unitOf(tx, org(), NOW), { id: newId(), kind: 'poll', datasourceId: id })
    expect(await meanwhile(mooring, { holding: asking, waiting: () => store(id, { claim, from: 0, to: 3 }) })).toBe(3)
    expect(await rows(`select due_at from tasks where id = '${claim.id}'`)).toEqual([{ due_at: NOW }])
  })

  it('for a worker that takes its claim, or for a removal, stores nothing and moves nothing', async () => {
    const { id, claim } = await followedFeed()
    const taking = (tx: Tx) => release(tx, claim, NOW)
    expect(
      await meanwhile(mooring, { holding: taking, waiting: () => store(id, { claim, from: 0, to: 3 }) }),
    ).toBeNull()
    const again = await claimed(mooring, { kind: 'poll', id })
    const removing = async (tx: Tx) => {
      await lockDatasource(unitOf(tx, org()), { id })
      await datasources.remove(unitOf(tx, org(), NOW), id)
    }
    expect(
      await meanwhile(mooring, {
        holding: removing,
        waiting: () => store(id, { claim: again, from: 0, to: 3 }),
      }),
    ).toBeNull()
    expect(await stored(id)).toEqual([])
    expect(await rows(`select position, cursor, pages from feeds where datasource_id = '${id}'`)).toEqual([
      { position: '0', cursor: null, pages: '0' },
    ])
  })
})
