/**
 * The examples of the OpenAPI document. They are shown to people and validated by a test; nothing is ever served from
 * them, and the keys and passwords in them are not valid.
 */

const DIGITS = '01938f5e2c7a7d3ba1f04c8de95b6a72'

/** Sample ids. */
export const IDS = {
  uuid: '01938f5e-2c7a-7d3b-a1f0-4c8de95b6a72',
  datasource: `ds_test_${DIGITS}`,
  endpoint: `dse_${DIGITS}`,
  capability: `cap_${DIGITS}`,
  newCapability: 'cap_01938f6a9d1e7c04b2f58d3c6a7e1b90',
  organization: `org_${DIGITS}`,
  key: `key_${DIGITS}`,
  request: 'req_5f0c6a1be7d94f2a8c3d0e9b7a614f25',
} as const

const URI = 'postgresql://mooring_reader:correct-horse@db.example.com:5432/shop?sslmode=verify-full'
const SEALED = 'c2VhbGVkIGJ5IHRoZSBjYWxsZXIh'.repeat(3)
const METADATA = { customer: 'cus_1042' }

/** Bodies that register, and bodies that validate. */
export const BODIES = {
  direct: { connectionString: URI, schema: 'app', metadata: METADATA },
  sealed: {
    sealedConnectionString: SEALED,
    key_id: IDS.uuid,
    host: 'db.example.com',
    port: 5432,
    database: 'shop',
  },
  endpoint: { endpoint: 'https://api.example.com/mooring', signingKey: 'whsec_kept-on-both-sides', metadata: METADATA },
  validate: { connectionString: URI, schema: 'app' },
  rotate: { connectionString: URI, expectedVersion: 1 },
  labels: { name: 'Shop', metadata: METADATA },
  connection: { name: 'Shop', db_type: 'postgresql', connection_string: URI, excluded_schemas: ['auth', 'storage'] },
  renamed: { name: 'Shop', excluded_schemas: [] },
  rotatedConnection: { connection_string: URI },
  sealedConnection: {
    name: 'Shop',
    db_type: 'postgresql',
    sealed_connection_string: SEALED,
    key_id: IDS.uuid,
    host: 'db.example.com',
    port: 5432,
    database_name: 'shop',
  },
} as const

const shared = {
  object: 'datasource',
  livemode: false,
  metadata: METADATA,
  created: 1_795_305_600,
  name: 'Shop',
  status_reason: null,
  advisories: [],
  verified_at: 1_795_309_200,
  next_check_at: 1_795_312_800,
  updated_at: 1_795_305_601,
  credential_version: 1,
  credential_fingerprint: '3vG0mJ2n1xq8nLq7u4bT5A',
} as const

const direct = {
  ...shared,
  id: IDS.datasource,
  status: 'active',
  checks: [
    { item: 'host', outcome: 'pass' },
    { item: 'role_superuser', outcome: 'pass' },
  ],
  connection: 'direct',
  provider: 'postgresql',
  host: 'db.example.com',
  database: 'shop',
  schema: 'app',
  display_name: 'shop at db.example.com',
} as const

/** Answers of the datasources dialect. */
export const ANSWERS = {
  unverified: { ...direct, status: 'unverified', checks: [], verified_at: null, updated_at: 1_795_305_600 },
  active: direct,
  endpoint: {
    ...shared,
    id: IDS.endpoint,
    status: 'active',
    checks: [{ item: 'signature', outcome: 'pass' }],
    connection: 'endpoint',
    environment: 'test',
    endpoint: 'https://api.example.com/mooring',
    key_last4: 'ides',
    cursor: 'evt_1042',
    event_lag: 2,
    retry_count: 0,
    last_request_at: 1_795_305_660,
    last_success_at: 1_795_305_660,
    last_error: null,
  },
  validation: {
    object: 'datasource_validation',
    connection: 'direct',
    reachable: true,
    ready: false,
    reason: 'byo_role_cannot_enforce_rls',
    failures: [{ item: 'role_superuser', actual: 'the role is a superuser', fix: 'alter role reader nosuperuser;' }],
  },
} as const

/** The result of one check. */
export const VERIFICATION = {
  object: 'verification',
  id: IDS.uuid,
  created: 1_795_309_200,
  verdict: 'passed',
  reason: null,
  checks: direct.checks,
  advisories: [],
  took_ms: 84,
  credential_version: 1,
} as const

/** A connection in the form of its dialect. */
export const CONNECTION = {
  id: IDS.uuid,
  name: 'Shop',
  db_type: 'postgresql',
  host: 'db.example.com',
  port: 5432,
  database_name: 'shop',
  excluded_schemas: ['auth', 'storage'],
  is_active: true,
  created_at: '2026-11-21T09:30:00.000Z',
  last_introspected_at: null,
  datasource_id: IDS.datasource,
  status: 'active',
  status_reason: null,
  checks: direct.checks,
  advisories: [],
  verified_at: '2026-11-21T10:30:00.000Z',
  updated_at: '2026-11-21T09:30:01.000Z',
} as const

const snapshot = {
  id: `snap_${DIGITS}`,
  datasource: IDS.datasource,
  fingerprint: 'b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78',
  table_count: 1,
  tables: ['app.orders'],
  previous: null,
  drift: null,
  findings: [],
  hidden: { schemas: 0, relations: 0, columns: 0, sequences: 0 },
  taken: 1_795_305_600,
  seen: 1_795_309_200,
}

/** Examples about schemas. */
export const SCHEMAS = {
  snapshot: { object: 'schema_snapshot', ...snapshot },
  schema: { object: 'schema', ...snapshot, schemas: [{ name: 'app', relations: [] }] },
  drift: {
    object: 'schema_drift',
    from: `snap_${DIGITS}`,
    to: `snap_${DIGITS}`,
    counts: { breaking: 1, risky: 0, safe: 0 },
    notes: [],
    changes: [
      {
        kind: 'removed',
        object: 'column',
        path: ['app', 'orders', 'placed_at'],
        class: 'breaking',
        reason: 'Queries that read or write the column fail.',
      },
    ],
  },
} as const

const event = {
  id: 'evt_1042',
  model: 'order',
  entityId: '7',
  type: 'UPDATE',
  data: { state: 'shipped' },
  occurredAt: 1_795_305_600_000,
} as const

/** Events, pushed and read. */
export const EVENTS = {
  body: { events: [event] },
  shown: { object: 'event', ...event, position: '1042' },
  pushed: { object: 'event_push', received: 1, stored: 1 },
} as const
