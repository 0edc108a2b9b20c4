/**
 * A happy story of each procedure of the router; `nth-stories.test.ts` fails for one without. `{{name}}` is a given of the exchanges.
 */
import type { Story } from '#test/support/nth/story.ts'

const query = (name: string, input: object = {}): Story => ({
  name,
  request: { method: 'GET', path: `/trpc/${name}`, input },
})
const mutation = (name: string, body: object): Story => ({
  name,
  request: { method: 'POST', path: `/trpc/${name}`, body },
})

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
  mutation('snapshots.introspect', { id: '{{datasource}}' }),
  query('snapshots.list', { id: '{{driftedDatasource}}' }),
  query('snapshots.latest', { id: '{{driftedDatasource}}' }),
  query('feeds.list', { id: '{{endpoint}}' }),
  query('organization.sealingKey'),
  query('organization.egress'),
  query('organization.audit'),
  query('organization.listKeys'),
  mutation('organization.createKey', { mode: 'test', scopes: ['organization.write'] }),
  mutation('organization.revokeKey', { id: 'key_{{apiKeyHex}}', children: 'keep' }),
  mutation('organization.mintCapability', { operations: ['feeds.write'], ttlSeconds: 60 }),
  query('organization.getCapability', { id: '{{capability}}' }),
  query('organization.listCapabilities'),
  mutation('organization.rotateCapability', { id: '{{capability}}' }),
  mutation('organization.revokeCapability', { id: '{{capability}}' }),
]
