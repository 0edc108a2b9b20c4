/**
 * A successful story for each procedure of the router; `nth-stories.test.ts` fails for a procedure without one.
 * `{{name}}` is a given of the exchanges.
 */
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import type { Scene } from '#test/support/nth/scene.ts'
import type { Given, Story } from '#test/support/nth/story.ts'

const query = (name: string, input: object = {}): Story => ({
  name,
  request: { method: 'GET', path: `/trpc/${name}`, input },
})
const mutation = (name: string, body: object): Story => ({
  name,
  request: { method: 'POST', path: `/trpc/${name}`, body },
})

async function introspected({ stage }: Scene, given: Given): Promise<Record<string, string>> {
  const key = await given('testKey')
  const body = { id: await given('datasource') }
  const answer = await stage.mooring.call('POST', '/trpc/snapshots.introspect', { key, body })
  return { snapshot: answer.body.result.data.snapshot.id }
}

/** Creates a capability that an operator has signed; only such a capability can lease. */
async function leasing({ stage }: Scene, given: Given): Promise<Record<string, string>> {
  const organization = { id: await given('organization') }
  const { publicKey } = await holderKey()
  return { publicKey, bearer: await leaseCapability({ ...stage.mooring, organization }) }
}

async function leased(scene: Scene, given: Given): Promise<Record<string, string>> {
  const { bearer = '', publicKey } = await leasing(scene, given)
  const body = { id: await given('datasource'), publicKey }
  const answer = await scene.stage.mooring.call('POST', '/trpc/datasources.lease', { key: bearer, body })
  return { bearer, lease: answer.body.result.data.leaseId }
}

const UNTOLD = 'a lease is for the one-time key of one request: one whose answer was lost ends by its time'

/** The stories. */
export const PROCEDURES: readonly Story[] = [
  mutation('datasources.register', { connectionString: '{{reader}}', waitSeconds: 20 }),
  mutation('datasources.validate', { connectionString: '{{reader}}' }),
  mutation('datasources.validateRegistered', { id: '{{datasource}}' }),
  query('datasources.get', { id: '{{datasource}}' }),
  query('datasources.list'),
  query('datasources.roleSql', { schema: 'app' }),
  mutation('datasources.verify', { id: '{{datasource}}', waitSeconds: 20 }),
  mutation('datasources.update', { id: '{{datasource}}', name: 'New' }),
  mutation('datasources.rotate', { id: '{{datasource}}', connectionString: '{{superuser}}', waitSeconds: 20 }),
  mutation('datasources.rotateKey', { id: '{{endpoint}}', signingKey: 'another signing key' }),
  mutation('datasources.remove', { id: '{{datasource}}' }),
  { ...mutation('datasources.removeAll', { confirm: true }), isKeyless: true },
  {
    ...mutation('datasources.lease', { id: '{{datasource}}', publicKey: '{{publicKey}}' }),
    isKeyless: true,
    prepare: leasing,
    mayHaveMore: { tables: ['leases', 'audit_events', 'tasks'], reason: UNTOLD },
  },
  {
    ...mutation('datasources.releaseLease', { leaseId: '{{lease}}' }),
    isKeyless: true,
    prepare: leased,
    repeated: 404,
    mayHaveMore: { tables: ['audit_events'], reason: 'the refusal of the repeat is recorded' },
  },
  query('datasources.verifications', { id: '{{datasource}}' }),
  query('datasources.progress', { id: '{{datasource}}' }),
  mutation('snapshots.introspect', { id: '{{datasource}}' }),
  query('snapshots.list', { id: '{{driftedDatasource}}' }),
  query('snapshots.latest', { id: '{{driftedDatasource}}' }),
  { ...query('snapshots.get', { snapshotId: '{{snapshot}}' }), prepare: introspected },
  { ...query('snapshots.drift', { from: '{{snapshot}}', to: '{{snapshot}}' }), prepare: introspected },
  mutation('feeds.push', { id: '{{endpoint}}', body: '{"events":[]}' }),
  query('feeds.list', { id: '{{endpoint}}' }),
  query('feeds.recent', { id: '{{endpoint}}' }),
  query('datasources.leases', { id: '{{datasource}}' }),
  query('operations.overview'),
  query('organization.current'),
  query('organization.usage'),
  query('organization.sealingKey'),
  query('organization.egress'),
  query('organization.audit'),
  query('organization.listKeys'),
  mutation('organization.createKey', { mode: 'test', scopes: ['organization.write'] }),
  mutation('organization.revokeKey', { id: '{{apiKeyId}}', children: 'keep' }),
  mutation('organization.mintCapability', { operations: ['feeds.write'], ttlSeconds: 60 }),
  query('organization.getCapability', { id: '{{capability}}' }),
  query('organization.listCapabilities'),
  mutation('organization.rotateCapability', { id: '{{capability}}' }),
  mutation('organization.revokeCapability', { id: '{{capability}}' }),
]

/** Procedures without a story. */
export const WITHOUT: Readonly<Record<string, string>> = {
  'local.signIn': 'a code is good once, whatever becomes of it: the person at the terminal prints another one',
}
