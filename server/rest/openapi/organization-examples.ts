/**
 * The examples of an organization's own affairs in the OpenAPI document: keys of the datasources dialect, the audit
 * record, the SQL of a role. The keys in them are not valid.
 */
import { IDS } from './examples.ts'

const key = {
  object: 'api_key',
  id: IDS.key,
  mode: 'test',
  name: 'nightly import',
  last4: 'aBc1',
  scopes: ['datasources.read'],
  created: 1_795_305_600,
} as const

/** API keys in the datasources dialect. */
export const KEYS = {
  create: { name: 'nightly import', scopes: ['datasources.read'] },
  created: { ...key, key: `sk_test_${'shown-once-'.repeat(3)}aBc1` },
  shown: { ...key, issuer: null, last_used: 1_795_309_200, expires: null, revoked: null },
  revoked: {
    object: 'api_key',
    id: IDS.key,
    deleted: true,
    revoked: 1_795_312_800,
    revoked_keys: 0,
    revoked_capabilities: 2,
  },
} as const

/** One event of the audit record. */
export const AUDIT_EVENT = {
  object: 'audit_event',
  id: IDS.uuid,
  created: 1_795_305_600,
  principal: { kind: 'key', id: IDS.key },
  action: 'datasource.registered',
  object_kind: 'datasource',
  object_id: IDS.datasource,
  outcome: 'ok',
  request_id: IDS.request,
  address: '203.0.113.7',
} as const

/** The beginning of the SQL that creates a role. */
export const ROLE_SQL = {
  object: 'role_sql',
  sql: '-- Replace the password first: the script refuses to run before.\ndo $mooring$ begin … end $mooring$;',
} as const
