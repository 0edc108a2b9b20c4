/** The queue under a backlog: the rows that a claim reads, its order, and several workers that claim at once. */
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { transaction } from '#server/store/database/db.ts'
import { areDue, claimChoice, PRIORITY } from '#server/store/tasks/claim-choice.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { noteWait } from '#server/store/tasks/waits.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { makeBacklog, readingOf } from '#test/support/tasks/backlog.ts'

/** The same number of each of five priorities. */
const DUE = 20_000
const ORGANIZATIONS = 300
/** The rows that a claim may read, whatever is due. */
const MOST_ROWS = 1_300
const NOBODY = '00000000-0000-0000-0000-000000000000'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  await makeBacklog(mooring.databaseUrl, { tasks: DUE, organizations: ORGANIZATIONS, ofOne: 50, upToPriority: 4 })
})
afterAll(() => mooring.stop())
beforeEach(() => query(mooring.databaseUrl, 'update tasks set locked_until = null where locked_until is not null'))

const ask = () => ({
  kinds: ['verify' as const],
  priorities: ['scheduled' as const],
  limit: 8,
  perOrganization: 3,
  held: [],
  leaseMs: 60_000,
  now: new Date(),
})

describe('With a backlog, a claim', () => {
  const PRIORITIES = { 'awaited callers': 0, callers: 1, 'the schedule': 2, 'what hung': 3, 'what failed': 4 }

  it.each(Object.entries(PRIORITIES))(
    'for %s reads a bounded number of rows, under either plan',
    async (_, priority) => {
      const statement = claimChoice({
        ...ask(),
        priority,
        after: NOBODY,
        newestFirst: [0, 1, 3].includes(priority) ? true : null,
      })
      for (const plan of ['custom', 'generic'] as const) {
        const reading = await readingOf(mooring.db, mooring.databaseUrl, { statement, plan })
        expect(reading).toMatchObject({ claimed: 8, scans: reading.scans.filter(scan => scan.startsWith('Index')) })
        expect(reading.rows).toBeLessThanOrEqual(MOST_ROWS)
      }
    },
  )

  it('is skipped when nothing is due, which a few rows show', async () => {
    for (const plan of ['custom', 'generic'] as const) {
      const statement = areDue(ask(), [0, 1, 2, 3, 4, 7, 9])
      const reading = await readingOf(mooring.db, mooring.databaseUrl, { statement, plan })
      expect(reading.scans).toEqual(['Index Scan tasks_priority_due_at_idx'])
      expect(reading.rows).toBeLessThanOrEqual(7)
    }
  })

  it('of a worker fills its batch while others claim, and no two get the same task', async () => {
    // A worker that finds the claim lock held all the time comes again.
    const batch = async (): Promise<claims.Claim[]> => {
      const claimed = await claims.claim(mooring.db, ask())
      return claimed.length > 0 ? claimed : batch()
    }
    const batches = await Promise.all(Array.from({ length: 3 }, batch))
    expect(batches.map(batch => batch.length)).toEqual([8, 8, 8])
    const ids = batches.flat().map(one => one.id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('reaches every organization, whichever owns most of the backlog', async () => {
    const { rows: due } = await sql<{ org_id: string }>`
      select org_id from tasks where ${PRIORITY} = 2 group by org_id order by count(*) desc
    `.execute(mooring.db)
    const [one, ...others] = due.map(row => row.org_id)
    // The one with half of the backlog gets nothing: it runs its maximum already.
    const held = [one ?? '']
    const rounds: claims.Rounds = new Map()
    const served = new Set<string>()
    for (let round = 0; round < 100 && served.size < others.length; round += 1) {
      const claimed = await claims.claim(mooring.db, { ...ask(), limit: 50, perOrganization: 1, held, rounds })
      for (const { organizationId } of claimed) served.add(organizationId)
    }
    expect([...served].sort()).toEqual(others.sort())
  })

  it('visits organizations only while the longest due tasks are of fewer than it may take', async () => {
    const { rows: due } = await sql<{ org_id: string }>`
      select org_id from tasks where ${PRIORITY} = 2 group by org_id order by count(*) desc
    `.execute(mooring.db)
    const visits = async (held: string[]) => {
      const rounds: claims.Rounds = new Map()
      expect(await claims.claim(mooring.db, { ...ask(), held, rounds })).toHaveLength(8)
      return rounds.size
    }
    expect(await visits([])).toBe(0)
    expect(await visits(due.map(row => row.org_id).slice(0, -7))).toBe(1)
  })

  it('serves a caller who has just arrived, though thousands wait, once a waiting caller is known', async () => {
    const { id: org } = await mooring.newOrganization('Caller')
    const datasourceId = newId()
    await query(
      mooring.databaseUrl,
      `set session_replication_role = replica;
       insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
       values ('${org}', '${newId()}', 'verify', '${datasourceId}', true, now(), now())`,
    )
    const first = () => claims.claim(mooring.db, { ...ask(), priorities: ['asked'], limit: 1, newestFirst: true })
    expect(await first()).not.toMatchObject([{ datasourceId }])
    await noteWait(mooring.db, org, { datasourceId, until: new Date() })
    expect(await first()).toMatchObject([{ datasourceId }])
  })

  it('is filled although most of the organizations have nothing due', async () => {
    // One has most of the due tasks, the next hundred have one for tomorrow, and five after them have one for now.
    await query(
      mooring.databaseUrl,
      `set session_replication_role = replica;
       insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at, requested)
       select ('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, gen_random_uuid(), 'poll', gen_random_uuid(), true,
         now() + case when n = 1 then interval '-1 day' when n <= 101 then interval '1 day' else interval '-1 hour' end, now(), 0
       from generate_series(1, 106) as n
       union all
       select '00000000-0000-7000-9000-000000000001', gen_random_uuid(), 'poll', gen_random_uuid(), true, now() - interval '1 day', now(), 0
       from generate_series(1, 300)`,
    )
    const rounds: claims.Rounds = new Map()
    const claimed = await claims.claim(mooring.db, { ...ask(), kinds: ['poll'], rounds })
    expect(claimed).toHaveLength(8)
    expect(new Set(claimed.map(one => one.organizationId)).size).toBe(6)
  })

  it('writes no index: the rows stay on their pages', async () => {
    // Row versions of earlier claims occupy their page until they are pruned.
    await query(mooring.databaseUrl, 'vacuum tasks')
    await transaction(mooring.db, async tx => {
      const updates = async () => {
        const { rows } = await sql<{ all: number; hot: number }>`
          select n_tup_upd::int as all, n_tup_hot_upd::int as hot from pg_stat_xact_user_tables where relname = 'tasks'
        `.execute(tx)
        return rows[0] ?? { all: 0, hot: 0 }
      }
      const before = await updates()
      expect(await claims.claim(tx, ask())).toHaveLength(8)
      const after = await updates()
      expect({ all: after.all - before.all, hot: after.hot - before.hot }).toEqual({ all: 8, hot: 8 })
    })
  })
})
