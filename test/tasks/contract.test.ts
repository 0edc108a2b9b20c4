/** The messages of web tier and worker in tasks, while one release replaces another. */
import { describe, expect, test } from 'vitest'
import { type AskedKind, CONTRACT, PAYLOAD_VERSION } from '#server/domain/tasks/contract.ts'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { isOfKind } from '#server/store/tasks/claims.ts'
import { typedId } from '#shared/base/wire.ts'

const UUID = '01900000-0000-7000-8000-000000000001'

/** As the previous release's web tier seals them: without a version. */
const FORMER: Readonly<Record<AskedKind, object>> = {
  validate: {
    secret: { kind: 'endpoint', url: 'https://a.example/', signingKey: 'whsec_12345678' },
    schema: null,
    dbType: 'postgresql',
  },
  introspect: { schemas: ['public'] },
  lease: {
    token: 'rk_test_x',
    publicKey: Buffer.alloc(32, 1).toString('base64'),
    ttlSeconds: 60,
    datasourceId: typedId('ds_', UUID),
    notAfter: 1,
    requestId: null,
    address: null,
  },
  push: { body: '{"events":[]}', id: null, timestamp: null, signature: null },
}

const kinds = Object.keys(CONTRACT) as AskedKind[] // its own keys

describe.each(kinds)('A %s task', kind => {
  const { payload } = CONTRACT[kind]

  test('from the previous release’s web tier is read', () => {
    expect(payload.parse(FORMER[kind])).toEqual({ version: PAYLOAD_VERSION, ...FORMER[kind] })
  })

  test('with a field that a later release adds is read without it', () => {
    expect(payload.parse({ version: PAYLOAD_VERSION, ...FORMER[kind], later: 1 })).not.toHaveProperty('later')
  })

  test('of a version that this worker does not know is left to another worker', () => {
    expect(payload.safeParse({ ...FORMER[kind], version: PAYLOAD_VERSION + 1 }).success).toBe(false)
  })
})

describe('A claim', () => {
  const claim = (kind: TaskKind, datasourceId: string | null) => ({
    ...{ organizationId: UUID, id: UUID, kind, datasourceId, standing: true, payload: null },
    ...{ attempts: 1, requested: 1, token: 1, awaits: null },
  })

  test.each<[TaskKind, boolean, boolean]>([
    ['verify', true, false],
    ['compare', true, false],
    ['introspect', true, false],
    ['poll', true, false],
    ['lease', true, false],
    ['push', true, false],
    ['validate', true, true],
    ['reseal', false, true],
  ])('of %s needs a datasource: %s, needs none: %s', (kind, withOne, without) => {
    expect(isOfKind(claim(kind, UUID), kind)).toBe(withOne)
    expect(isOfKind(claim(kind, null), kind)).toBe(without)
  })
})
