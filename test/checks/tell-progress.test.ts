/** The moment at which the progress of a check is recorded: only where it takes long, and then the last item alone. */
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLog } from '#server/log.ts'
import type { Tables } from '#server/store/tables/tables.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { tellingProgress } from '#server/work/checks/tell-progress.ts'

const ID = '00000000-0000-7000-8000-000000000001'
const CLAIM: Claim = {
  ...{ organizationId: ID, id: ID, datasourceId: ID, kind: 'verify', standing: true, payload: null },
  ...{ attempts: 1, requested: 1, token: 1, awaits: null },
}

let written: unknown[]
beforeEach(() => {
  written = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => vi.useRealTimers())

function deps() {
  const db = new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: one => new PostgresIntrospector(one),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => void written.push(query.parameters[0]),
  })
  return { db, log: createLog({ level: 'silent' }) }
}

describe('The progress of a check', () => {
  it('is not recorded where the check ends within a quarter of a second', async () => {
    await tellingProgress(deps(), CLAIM, async onPassed => {
      onPassed('host')
      vi.advanceTimersByTime(249)
    })
    vi.advanceTimersByTime(10_000)
    expect(written).toEqual([])
  })

  it('is recorded after a quarter of a second, by the last item that passed', async () => {
    await tellingProgress(deps(), CLAIM, async onPassed => {
      onPassed('host')
      onPassed('connect')
      vi.advanceTimersByTime(250)
      onPassed('tls')
      vi.advanceTimersByTime(249)
    })
    expect(written).toEqual(['connect'])
  })
})
