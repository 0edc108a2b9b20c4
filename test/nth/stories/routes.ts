/**
 * A successful story for each route of both dialects, by its operation; `nth-stories.test.ts` fails for a route without
 * one. `{{name}}` is a given of the exchanges.
 */
import type { Story, StoryRequest } from '#test/support/nth/story.ts'

const route = (name: string, call: string, body?: object): Story => {
  const [method = '', path = ''] = call.split(' ')
  return {
    name,
    request: { method: method as StoryRequest['method'], path, ...(body === undefined ? {} : { body }) }, // as this file writes it
  }
}

const WAITING = { prefer: 'wait=20' }
const waiting = (story: Story): Story => ({ ...story, request: { ...story.request, headers: WAITING } })

/** A DELETE ignores an idempotency key: a repeat is another call, which does not find a removed object. */
const keyless = (story: Story): Story => ({ ...story, isKeyless: true })
const removal = (story: Story): Story => ({
  ...keyless(story),
  repeated: 404,
  mayHaveMore: { tables: ['audit_events'], reason: 'the refusal of the repeat is recorded' },
})

const CONNECTION = { name: 'Shop', db_type: 'postgresql', connection_string: '{{reader}}' }
const EVENTS = {
  events: [{ id: 'evt_1042', model: 'order', entityId: '7', type: 'UPDATE', occurredAt: 1_795_305_600_000 }],
}

/** The stories. */
export const ROUTES: readonly Story[] = [
  waiting(route('createConnection', 'POST /api/v1/connections', CONNECTION)),
  route('listConnections', 'GET /api/v1/connections'),
  route('getConnection', 'GET /api/v1/connections/{{connection}}'),
  removal(route('deleteConnection', 'DELETE /api/v1/connections/{{connection}}')),
  route('introspectConnection', 'POST /api/v1/connections/{{connection}}/introspect'),
  route('createApiKey', 'POST /api/v1/api-keys', { name: 'nightly import' }),
  route('listApiKeys', 'GET /api/v1/api-keys'),
  keyless(route('revokeApiKey', 'DELETE /api/v1/api-keys/{{apiKey}}?children=keep')),
  waiting(route('registerDatasource', 'POST /v1/datasources', { connectionString: '{{reader}}' })),
  route('listDatasources', 'GET /v1/datasources'),
  route('getDatasource', 'GET /v1/datasources/{{datasource}}'),
  removal(route('removeDatasource', 'DELETE /v1/datasources/{{datasource}}')),
  keyless(route('removeDatasources', 'DELETE /v1/datasources?confirm=true')),
  route('rotateDatasourceKey', 'POST /v1/datasources/{{endpoint}}/rotate_key', { signingKey: 'another signing key' }),
  waiting(route('verifyDatasource', 'POST /v1/datasources/{{datasource}}/verify')),
  route('validateDatasource', 'POST /v1/datasources/validate', { connectionString: '{{reader}}' }),
  route('validateRegisteredDatasource', 'POST /v1/datasources/{{datasource}}/validate'),
  route('introspectDatasource', 'POST /v1/datasources/{{datasource}}/introspect'),
  route('getSchema', 'GET /v1/datasources/{{driftedDatasource}}/schema'),
  route('getSchemaDrift', 'GET /v1/datasources/{{driftedDatasource}}/schema/drift'),
  route('listEvents', 'GET /v1/datasources/{{endpoint}}/events'),
  route('pushEvents', 'POST /v1/datasources/{{endpoint}}/events', EVENTS),
  route('mintCapability', 'POST /v1/capabilities', { operations: ['datasources.read'], ttlSeconds: 600 }),
  route('rotateCapability', 'POST /v1/capabilities/{{capability}}/rotate', {}),
  route('listCapabilities', 'GET /v1/capabilities'),
  route('getCapability', 'GET /v1/capabilities/{{capability}}'),
  keyless(route('revokeCapability', 'DELETE /v1/capabilities/{{capability}}')),
  route('updateConnection', 'PATCH /api/v1/connections/{{connection}}', { name: 'Shop', excluded_schemas: [] }),
  waiting(route('verifyConnection', 'POST /api/v1/connections/{{connection}}/verify')),
  route('updateDatasource', 'PATCH /v1/datasources/{{datasource}}', { metadata: { customer: 'cus_1042' } }),
  waiting(
    route('rotateDatasource', 'POST /v1/datasources/{{datasource}}/rotate', { connectionString: '{{superuser}}' }),
  ),
  route('listVerifications', 'GET /v1/datasources/{{datasource}}/verifications'),
  route('createKey', 'POST /v1/api_keys', { name: 'nightly import', scopes: ['datasources.read'] }),
  route('listKeys', 'GET /v1/api_keys'),
  keyless(route('revokeKey', 'DELETE /v1/api_keys/{{apiKeyId}}?children=keep')),
  route('listAuditEvents', 'GET /v1/audit_events'),
  route('getRoleSql', 'GET /v1/role_sql?schema=app'),
  route('getEgress', 'GET /v1/egress'),
  route('getSealingKey', 'GET /v1/sealing_key'),
]
