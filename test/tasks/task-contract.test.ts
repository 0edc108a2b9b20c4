/** Tasks as both tiers of either release read them, how long rows are kept, and the small readings of rows and snapshots. */
import { describe, expect, it } from 'vitest'
import { afterCheck, LONGEST_INTERVAL_MS, letsUse, usableUntil } from '#server/domain/datasources/verdict.ts'
import { countDrift, tablesOf } from '#server/domain/schemas/snapshot-summary.ts'
import { CONTRACT, PAYLOAD_VERSION } from '#server/domain/tasks/contract.ts'
import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import { DAY_MS, MIN_MONTH_DAYS, retentionSettings } from '#server/domain/tasks/retention-settings.ts'
import { datasourceId, directNaturalKey, displayName } from '#shared/base/datasource-name.ts'

const SECRET = { kind: 'endpoint', url: 'https://api.acme.io/feed', signingKey: 'key' }
const LEASE = {
  token: 'rk_live_x',
  publicKey: 'AAAA',
  ttlSeconds: 60,
  datasourceId: `ds_${'1'.repeat(8)}${'0'.repeat(24)}`,
  notAfter: 1,
  requestId: null,
  address: null,
}
const PAYLOADS = {
  validate: { secret: SECRET, schema: null, dbType: 'postgresql' },
  introspect: { schemas: ['app'] },
  lease: LEASE,
  push: { body: '{}', id: null, timestamp: null, signature: null },
}

describe.each(['validate', 'introspect', 'lease', 'push'] as const)('A task of kind %s', kind => {
  it('of the release before, which wrote no version, is read as of this one', () => {
    const read = CONTRACT[kind].payload.safeParse(PAYLOADS[kind])
    expect(read.data).toEqual({ ...PAYLOADS[kind], version: PAYLOAD_VERSION })
    expect(CONTRACT[kind].payload.safeParse({ ...PAYLOADS[kind], version: 2 }).success).toBe(false)
  })

  it('needs each of its fields', () => {
    for (const name of Object.keys(PAYLOADS[kind])) {
      const lacking = { ...PAYLOADS[kind], [name]: undefined }
      expect(CONTRACT[kind].payload.safeParse(lacking).success, name).toBe(false)
    }
  })

  it('is kept for ten minutes', () => {
    expect(CONTRACT[kind].keptMs).toBe(600_000)
  })
})

describe('A lease that is asked for', () => {
  it('lives for a second to an hour', () => {
    const of = (ttlSeconds: number) => CONTRACT.lease.payload.safeParse({ ...LEASE, ttlSeconds }).success
    expect([0, 1, 3_600, 3_601, 1.5].map(of)).toEqual([false, true, true, false, false])
  })
})

describe('The outcome of an introspection', () => {
  it('is a snapshot, or why there is none', () => {
    const { outcome } = CONTRACT.introspect
    const snapshotId = '0190aaaa-0000-7000-8000-000000000001'
    expect(outcome.safeParse({ snapshotId, changed: true }).success).toBe(true)
    for (const wrong of [{ snapshotId: 'one', changed: true }, { snapshotId }, {}])
      expect(outcome.safeParse(wrong).success).toBe(false)
  })
})

describe('Rows that are no longer needed', () => {
  it('are kept for days within the bounds that each setting has', () => {
    const asked = new Map<string, string>()
    const read = {
      integer({ variable, fallback, min, max }: { variable: string; fallback: number; min: number; max: number }) {
        asked.set(variable, `${fallback} of ${min} to ${max}`)
        return fallback
      },
    }
    expect(retentionSettings(read)).toEqual({
      verificationsMs: 90 * DAY_MS,
      changesMs: 7 * DAY_MS,
      idempotencyMs: DAY_MS,
      leasesMs: 90 * DAY_MS,
      removedMs: 30 * DAY_MS,
      revokedMs: 400 * DAY_MS,
      auditMs: 400 * DAY_MS,
    })
    expect(Object.fromEntries(asked)).toEqual({
      MOORING_KEEP_VERIFICATIONS_DAYS: '90 of 30 to 3650',
      MOORING_KEEP_CHANGES_DAYS: '7 of 1 to 90',
      MOORING_KEEP_IDEMPOTENCY_DAYS: '1 of 1 to 30',
      MOORING_KEEP_LEASES_DAYS: '90 of 1 to 3650',
      MOORING_KEEP_REMOVED_DAYS: '30 of 1 to 3650',
      MOORING_KEEP_REVOKED_DAYS: '400 of 1 to 3650',
      MOORING_KEEP_AUDIT_DAYS: '400 of 30 to 3650',
    })
    expect([DAY_MS, MIN_MONTH_DAYS]).toEqual([86_400_000, 30])
  })
})

describe('The names of priorities', () => {
  it('are those of checks, of feeds and the quarantine, in the order of their numbers', () => {
    expect(PRIORITIES).toEqual([
      ...['awaited', 'asked', 'scheduled', 'hung', 'failed'],
      ...['feed_awaited', 'feed_asked', 'feed_scheduled', 'feed_hung', 'feed_failed'],
      'quarantine',
    ])
  })
})

describe('A datasource', () => {
  const id = '0190aaaa-0000-7000-8000-000000000001'
  it('has an id that tells its kind and plane', () => {
    const hex = id.replaceAll('-', '')
    expect(datasourceId({ id, kind: 'direct', mode: 'live' })).toBe(`ds_${hex}`)
    expect(datasourceId({ id, kind: 'direct', mode: 'test' })).toBe(`ds_test_${hex}`)
    expect(datasourceId({ id, kind: 'endpoint', mode: 'live' })).toBe(`dse_${hex}`)
    expect(datasourceId({ id, kind: 'endpoint', mode: 'test' })).toBe(`dse_${hex}`)
  })

  it('has a summary without a credential', () => {
    const none = { endpoint: null, host: null, port: null, database: null }
    expect(displayName({ ...none, host: 'db.acme.io', port: 5432, database: 'shop' })).toBe('db.acme.io:5432/shop')
    expect(displayName({ ...none, host: '2001:db8::1', port: 5432, database: 'shop' })).toBe('[2001:db8::1]:5432/shop')
    expect(displayName({ ...none, endpoint: 'https://u:p@api.acme.io:8443/feed?key=1' })).toBe('api.acme.io:8443')
    expect(displayName({ ...none, endpoint: 'no address' })).toBe('endpoint')
  })

  it('has a natural key of everything that tells two apart', () => {
    const base = { mode: 'live', host: 'db', port: 5432, database: 'shop', schema: 'app' } as const
    expect(directNaturalKey(base)).toBe('["direct","live","db",5432,"shop","app"]')
    expect(directNaturalKey({ ...base, schema: undefined })).toBe('["direct","live","db",5432,"shop",null]')
    expect(directNaturalKey({ ...base, schema: null })).toBe(directNaturalKey({ ...base, schema: undefined }))
  })
})

describe('A verdict', () => {
  const at = new Date('2026-05-01T08:00:00.000Z')
  const hours = (count: number) => new Date(at.getTime() + count * 3_600_000)
  const before = {
    organizationId: 'o',
    datasourceId: 'd',
    mode: 'live',
    version: 2,
    status: 'active',
    usable: true,
    usableUntil: hours(5),
  } as const
  const end = {
    version: 2,
    status: 'active',
    refusals: 0,
    outcome: 'passed',
    at,
    intervalMs: 3_600_000,
    before,
  } as const

  it('lets a credential be used for 48 hours or three intervals, and no longer than 14 days', () => {
    expect(usableUntil(at, 3_600_000)).toEqual(hours(48))
    expect(usableUntil(at, 20 * 3_600_000)).toEqual(hours(60))
    expect(usableUntil(at, 1_000 * 3_600_000)).toEqual(hours(14 * 24))
    expect(LONGEST_INTERVAL_MS).toBe(12 * 24 * 3_600_000)
    expect(afterCheck(end)).toEqual({ version: 2, status: 'active', usable: true, usableUntil: hours(48) })
  })

  it('is left as it was by a check that could not be made, and suspended by a refusal that is to be confirmed', () => {
    const unreachable = { ...end, outcome: 'unreachable' } as const
    expect(afterCheck(unreachable)).toEqual({ version: 2, status: 'active', usable: true, usableUntil: hours(5) })
    expect(afterCheck({ ...unreachable, outcome: 'refused', refusals: 1 })).toMatchObject({
      usable: false,
      usableUntil: hours(5),
    })
    expect(afterCheck({ ...unreachable, before: { ...before, usable: false } })).toMatchObject({ usable: false })
  })

  it('gives nothing to another version, to what is not active, and where none was before', () => {
    const nothing = { usable: false, usableUntil: null }
    const refused = { ...end, outcome: 'refused' } as const
    for (const edit of [
      { status: 'rejected' as const },
      { before: null },
      { before: { ...before, status: 'rejected' as const } },
      { before: { ...before, version: 1 } },
    ])
      expect(afterCheck({ ...refused, ...edit }), JSON.stringify(edit)).toMatchObject(nothing)
  })

  it('lets its own version be used, until its end', () => {
    const use = (edit: object, now = at, version = 2) => letsUse({ ...before, ...edit }, { version, now })
    expect(use({})).toBe(true)
    expect(letsUse(null, { version: 2, now: at })).toBe(false)
    expect([use({}, at, 1), use({ status: 'rejected' }), use({ usable: false })]).toEqual([false, false, false])
    expect([use({ usableUntil: null }), use({}, hours(5)), use({}, hours(4))]).toEqual([false, false, true])
  })
})

describe('A snapshot', () => {
  it('has its tables by name, without views, and counts its drift by class', () => {
    const relation = (kind: string, name: string) => ({ kind, name })
    const schemas = [
      { name: 'b', relations: [relation('table', 'two'), relation('view', 'seen'), relation('table', 'one')] },
      { name: 'a', relations: [relation('partitioned_table', 'p'), relation('foreign_table', 'f')] },
    ]
    expect(tablesOf({ schemas } as never)).toEqual(['a.f', 'a.p', 'b.one', 'b.two'])
    const changes = ['safe', 'breaking', 'safe', 'risky', 'safe'].map(kind => ({ class: kind }))
    expect(countDrift(changes as never)).toEqual({ breaking: 1, risky: 1, safe: 3 })
  })
})
