/**
 * Rows as release 0.2.0 left them, for timing a migration: that release's columns, and no others. Called by
 * `migrations.ts`.
 */
import pg from 'pg'
import { bytes, CHECKS, idOf } from './made-up.ts'

const statements = (datasources: number, organizations: number) => [
  // Turns off foreign-key triggers.
  'set session_replication_role = replica',
  'set synchronous_commit = off',
  `create temp table orgs as select n, gen_random_uuid() as id, gen_random_uuid() as key_id from generate_series(0, ${organizations - 1}) n`,
  `insert into organizations (id, name, created_at) select id, 'Organization ' || n, now() from orgs`,
  `insert into organization_keys (org_id, id, public_key, secret, master_key_id, signer_id, signature, created_at)
     select id, key_id, ${bytes(32)}, ${bytes(80)}, 'm', 's', ${bytes(64)}, now() from orgs`,
  `insert into api_keys (org_id, id, mode, last4, pepper_id, hash, mac, scopes, created_at)
     select id, gen_random_uuid(), mode, 'abcd', 'p', sha256(decode(md5(n || mode), 'hex')), ${bytes(32)}, '{}', now()
     from orgs, unnest('{live,test}'::text[]) as mode`,
  `create temp table made as select m.n, o.id as org_id, o.key_id, ${idOf('at', "m.n || 'd'")} as id, ${idOf('at', "m.n || 'v'")} as verification_id, at from (
     select n, now() - interval '20 days' * (1 - n / ${datasources}.0) as at, case when n % 10 = 0 then 0 else n % ${organizations} end as org
     from generate_series(1, ${datasources}) n) m join orgs o on o.n = m.org order by m.n`,
  `insert into datasources (org_id, id, kind, mode, name, db_type, status, host, port, database, schema, tls_mode, excluded_schemas, identity,
       verification_id, created_at, verified_at, next_check_at)
     select org_id, id, 'direct', 'test', 'Shop ' || n, 'postgresql', 'active', 'db-' || n || '.example.com', 5432, 'shop', 'public', 'require', '{}',
       'identity-' || n, verification_id, at, at, at + interval '21 days' from made`,
  `insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, fingerprint, created_at)
     select org_id, id, 1, 'current', key_id, ${bytes(320)}, 's', ${bytes(64)}, md5(n::text), at from made`,
  // A tenth is due later than in a day, as with a longer interval.
  `insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at, settled)
     select org_id, ${idOf('at', "n || 't'")}, 'verify', id, true, now() + interval '1 day' * (n % 10) / 8, at, 1 from made`,
  `insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
     select org_id, verification_id, id, 1, 'passed', '${CHECKS}', '[]', 120, at from made`,
  `insert into audit_events (org_id, id, at, principal_kind, principal_id, action, object_kind, object_id, outcome, request_id, address)
     select org_id, ${idOf('at', "n || 'a'")}, at, 'key', key_id, 'datasource.registered', 'datasource', id, 'ok', 'r', '203.0.113.7' from made`,
  `insert into changes (org_id, datasource_id, change, at) select org_id, id, 'verified', at from made`,
  `drop table made, orgs`,
  'vacuum analyze',
  'checkpoint',
]

/** Inserts them into a database that has the migrations of that release. */
export async function seedFormer(
  url: string,
  { datasources, organizations }: { datasources: number; organizations: number },
): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements(datasources, organizations)) await client.query(statement)
  } finally {
    await client.end()
  }
}
