/**
 * Rows of an installation that has been running for a while, made by the database itself: organizations, datasources that were
 * checked, some rotated and some removed, their credentials, checks to come, verifications, changes and the record. One
 * organization has a tenth of them. Bytes that the product seals are random here: nothing of these datasources is ever opened.
 */
import pg from 'pg'
import { bytes, CHECKS, idOf } from './made-up.ts'

/** What is made. */
export interface Extent {
  readonly datasources: number
  readonly organizations: number
}

/** The two organizations that exist: one gets a tenth of all datasources, the other as many as each of the rest. */
export interface Named {
  readonly large: string
  readonly small: string
}

/** Of so many datasources one was rotated, and of so many one was removed. */
const ROTATED = 50
const REMOVED = 100
/** More than a batch. */
const OLD = 600
/** Checks that are due at the end, whatever the number of datasources; the others come one after the other within a day. */
export const DUE = 400

/** Odd and no multiple of five: the large organization has every tenth, and has no more of what is due than its share. */
function everyDue(datasources: number): number {
  const every = 2 * Math.floor(datasources / DUE / 2) + 1
  return every % 5 === 0 ? every + 2 : every
}

const ago = (share: string) => `now() - interval '20 days' * (1 - ${share})`

/** The organizations, in the temporary table `orgs`, with a key to seal to and two to call with. */
const organizationsOf = ({ organizations, large, small }: Extent & Named) => [
  // Triggers look at foreign keys.
  `set session_replication_role = replica`,
  `set synchronous_commit = off`,
  `create temp table orgs as select n, case n when 0 then '${large}' when 1 then '${small}' else ${idOf(ago(`n / ${organizations}.0`), "n || 'org'")} end as id
       from generate_series(0, ${organizations - 1}) as n`,
  `insert into organizations (id, name, created_at) select id, 'Organization ' || n, now() from orgs where n > 1`,
  `insert into organization_keys (org_id, id, public_key, secret, master_key_id, signer_id, signature, created_at)
       select id, gen_random_uuid(), ${bytes(32)}, ${bytes(80)}, 'm', 's', ${bytes(64)}, now() from orgs where n > 1`,
  `insert into api_keys (org_id, id, mode, last4, pepper_id, hash, mac, scopes, created_at)
       select id, gen_random_uuid(), mode, 'abcd', 'p', sha256(decode(md5(n || mode), 'hex')), ${bytes(32)}, '{}', now()
       from orgs, unnest('{live,test}'::text[]) as mode where n > 1`,
]

/** Datasources, in the temporary table `made`, with their credentials and checks. */
const datasourcesOf = ({ datasources, organizations }: Extent) => [
  // In the order of time, so that an organization's rows lie far from each other, as they do.
  `create temp table made as
       select m.n, o.id as org_id, ${idOf('m.at', "m.n || 'd'")} as id, m.at, k.id as key_id from (
         select n, ${ago(`n / ${datasources}.0`)} as at,
           case when n % 10 = 0 then 0 else 1 + (n / 10 * 9 + n % 10 - 1) % ${organizations - 1} end as org from generate_series(1, ${datasources}) as n) as m
       join orgs o on o.n = m.org join organization_keys k on k.org_id = o.id order by m.n`,
  `insert into datasources (org_id, id, kind, mode, name, db_type, status, host, port, database, schema, tls_mode, excluded_schemas, metadata,
         identity, credential_version, verification_id, created_at, verified_at, next_check_at, deleted_at, verdict_version, verdict_usable,
         usable_until, verdict_signer_id, verdict_signature, latest_id, latest_version, latest_outcome, latest_checks, latest_advisories,
         latest_took_ms, latest_at)
       select org_id, id, 'direct', 'test', 'Shop ' || n, 'postgresql', 'active', 'db-' || n || '.example.com', 5432, 'shop', 'public', 'require', '{}',
         jsonb_build_object('customer', n::text), 'identity-' || n, 1, ${idOf('at', "n || 'v'")}, at, at, at + interval '21 days',
         case when n % ${REMOVED} = 7 then now() end, 1, true, now() + interval '2 days', 's', ${bytes(64)},
         ${idOf('at', "n || 'v'")}, 1, 'passed', '${CHECKS}', '[]', 120, at from made`,
  `insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, last4, fingerprint,
         fingerprint_key_id, login_hash, created_at, retired_at)
       select org_id, id, version, case when is_live then 'current' else 'retired' end, key_id, case when is_live then ${bytes(320)} end, 's',
         case when is_live then ${bytes(64)} end, null, md5(n::text), 'f', ${bytes(32)}, at, case when not is_live then now() end
       from made cross join lateral (select version, version = 1 and n % ${REMOVED} <> 7 as is_live
         from generate_series(1, case when n % ${ROTATED} = 3 then 2 else 1 end) as version) as versions`,
  `insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at, settled)
       select org_id, ${idOf('at', "n || 't'")}, 'verify', id, true,
         case when n % ${everyDue(datasources)} = 0 then now() - interval '1 minute' else now() + interval '1 day' * n / ${datasources} end, at, 1
       from made where n % ${REMOVED} <> 7`,
]

/** What has happened to them. */
const historyOf = ({ datasources }: Extent) => [
  `insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
       select org_id, ${idOf('at', "n || 'v'")}, id, 1, 'passed', '${CHECKS}', '[]', 120, at from made`,
  `insert into audit_events (org_id, id, at, principal_kind, principal_id, action, object_kind, object_id, outcome, request_id, address)
       select org_id, ${idOf('at', "n || 'a'")}, at, 'key', key_id, 'datasource.registered', 'datasource', id, 'ok', 'r', '203.0.113.7' from made`,
  // Those of a week, as retention leaves them.
  `insert into changes (org_id, n, datasource_id, change, at)
       select org_id, row_number() over (partition by org_id order by n), id, 'verified', at from made where at > now() - interval '7 days'`,
  `insert into change_heads (org_id, epoch, last) select org_id, 1, max(n) from changes where n > 0 group by org_id
       on conflict (org_id) do update set last = excluded.last, epoch = 1`,
  `insert into quotas (org_id, datasources, max_datasources)
       select org_id, count(*) filter (where n % ${REMOVED} <> 7), ${datasources} from made group by org_id
       on conflict (org_id) do update set datasources = excluded.datasources, max_datasources = excluded.max_datasources`,
]

/** What retention forgets next: somewhat more than a batch of each. */
const OLD_ROWS = [
  `create temp table old as select * from made where n <= ${OLD} and n % ${REMOVED} <> 7`,
  `update verifications v set at = now() - interval '100 days' from old where v.org_id = old.org_id and v.datasource_id = old.id`,
  `insert into changes (org_id, n, datasource_id, change, at)
       select org_id, 0, id, 'verified', now() - interval '8 days' from old`,
  `update changes c set at = now() - interval '8 days' where (org_id, n) in (
       select c.org_id, c.n from changes c join orgs o on o.id = c.org_id and o.n between 2 and 5 where c.n between 1 and 100)`,
  `update credentials c set retired_at = now() - interval '40 days' where state = 'retired' and datasource_id in (
       select id from made where n % ${ROTATED} = 3 order by n limit ${OLD})`,
  `update datasources d set deleted_at = now() - interval '40 days' where (org_id, id) in (
       select org_id, id from made where n % ${REMOVED} = 7 order by n limit 5)`,
  `insert into idempotency_keys (org_id, principal_id, route, key, body_hash, created_at, expires_at)
       select org_id, key_id, 'r', n::text, sha256('x'), now(), now() - interval '1 day' from old`,
  `insert into capabilities (org_id, id, mode, last4, pepper_id, hash, mac, operations, participant_kind, sync_groups, user_meta, wide_scope,
         created_at, expires_at)
       select org_id, gen_random_uuid(), 'test', 'abcd', 'p', sha256(decode(md5(n || 'c'), 'hex')), ${bytes(32)}, '{datasources.read}', 'agent', '{}',
         '{}', false, at, case when n <= ${OLD} then now() - interval '401 days' else now() + interval '1 day' end from made where n % 10 = 3`,
  `insert into leases (org_id, id, datasource_id, capability_id, version, granted_at, expires_at, ended_at, ended_by)
       select org_id, gen_random_uuid(), id, id, 1, at, at + interval '1 hour', case when n % 20 = 3 then at + interval '1 hour' - interval '1 day' * case when n <= ${OLD} * 20 then 100 else 0 end end,
         case when n % 20 = 3 then 'expired' end from made where n % 10 = 3`,
  `update leases set expires_at = now() + interval '1 hour' where ended_at is null`,
  `drop table made, orgs, old`,
]

const VACUUMED = [
  'datasources',
  'credentials',
  'tasks',
  'verifications',
  'changes',
  'audit_events',
  'organization_keys',
  'api_keys',
  'capabilities',
  'leases',
  'idempotency_keys',
].map(table => `vacuum (freeze, analyze) ${table}`)

/** Makes them in the migrated database at `url`, beside the two organizations that it has. Says what long statements took. */
export async function seed(url: string, of: Extent & Named, say: (line: string) => void): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const made = [...organizationsOf(of), ...datasourcesOf(of), ...historyOf(of), ...OLD_ROWS]
    for (const statement of [...made, ...VACUUMED, 'vacuum analyze', 'checkpoint']) {
      const from = performance.now()
      await client.query(statement)
      const seconds = (performance.now() - from) / 1_000
      if (seconds > 5) say(`  ${seconds.toFixed(0).padStart(3)} s ${statement.slice(0, 40).replaceAll('\n', ' ')}…`)
    }
  } finally {
    await client.end()
  }
}
