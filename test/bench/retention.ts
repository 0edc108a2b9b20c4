/**
 * Prints the size of a million rows of each table under retention, how long `migrate` delays a writer while it
 * partitions the tables by month, and the duration of each batch: `npm run bench:retention`, or `npm run
 * bench:retention -- 100000` for fewer rows.
 */
import { argv, stdout } from 'node:process'
import pg from 'pg'
import { newId } from '#server/domain/access/ids.ts'
import { DAY_MS } from '#server/domain/tasks/retention-settings.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import { openDb } from '#server/store/database/db.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import * as months from '#server/store/installation/months.ts'
import * as oldChanges from '#server/store/installation/old-changes.ts'
import * as oldRows from '#server/store/installation/old-rows.ts'
import { BatchSize, timed } from '#server/work/retention.ts'
import { migrateBefore } from '#test/support/database/former-schema.ts'
import { query, startServer } from '#test/support/database/postgres.ts'

const rows = Number(argv[2] ?? 1_000_000)
const AGE_DAYS = 180
/** How long a batch may hold its locks, including its commit. */
const MOST_MS = 100
const org = newId()

await using cleanup = new AsyncDisposableStack()
const server = await startServer({ settings: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } })
cleanup.defer(() => server.stop())
const url = await server.createDatabase('bench')
const sql = (text: string) => query(url, text)
const report = (line: string) => stdout.write(`${line}\n`)

/** As many checks as a direct datasource has, at their size. */
const CHECKS = JSON.stringify(
  Array.from({ length: 11 }, (_, at) => ({
    item: `check_of_a_database_${at}`,
    outcome: 'pass',
    expected: 'what it should be',
    actual: 'what was found there',
  })),
)
// An id of the row's moment, as `newId` makes it.
const AT = `now() - make_interval(secs => ${AGE_DAYS} * 86400.0 * (${rows} - n) / ${rows})`
const ID = `(lpad(to_hex((extract(epoch from ${AT}) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8' ||
  substr(md5(n::text), 4, 15))::uuid`
const each = `from generate_series(1, ${rows}) n`

async function fill(): Promise<void> {
  await migrateBefore(url, 'latest_verdicts')
  await sql(`insert into organizations (id, name, created_at) values ('${org}', 'Bench', now());
    insert into datasources (org_id, id, kind, mode, endpoint, created_at)
      select '${org}', gen_random_uuid(), 'endpoint', 'test', 'https://example.com/', now() from generate_series(1, 100);
    create table picked as select row_number() over () - 1 as at, id from datasources;
    insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
      select '${org}', ${ID}, p.id, 1, 'passed', '${CHECKS}', '[]', 120, ${AT} ${each} join picked p on p.at = n % 100;
    insert into audit_events (org_id, id, at, principal_kind, principal_id, action, object_kind, object_id, outcome, request_id, address)
      select '${org}', ${ID}, ${AT}, 'key', '${org}', 'datasource.updated', 'datasource', p.id, 'ok', gen_random_uuid(), '203.0.113.7'
      ${each} join picked p on p.at = n % 100;
    insert into changes (org_id, n, datasource_id, change, at)
      select '${org}', n, p.id, 'verified', ${AT} ${each} join picked p on p.at = n % 100;
    insert into change_heads (org_id, epoch, last) values ('${org}', 1, ${rows});
    insert into idempotency_keys (org_id, principal_id, route, key, body_hash, answer, answer_bytes, created_at, expires_at)
      select '${org}', '${org}', 'trpc datasources.update', gen_random_uuid()::text, sha256('x'), '${CHECKS}', ${CHECKS.length},
      ${AT}, ${AT} + interval '1 day' ${each};
    drop table picked`)
  await sql('vacuum analyze')
}

async function sizes(): Promise<void> {
  report(`${rows.toLocaleString('en')} rows of`)
  for (const table of ['verifications', 'audit_events', 'changes', 'idempotency_keys']) {
    const [row] = await sql(
      `select pg_total_relation_size('${table}') / 1e6 as mb, pg_indexes_size('${table}') / 1e6 as ix`,
    )
    report(
      `  ${table.padEnd(18)} ${Number(row?.['mb']).toFixed(0)} MB, ${Number(row?.['ix']).toFixed(0)} MB of it indexes`,
    )
  }
}

/** Migrates while one connection writes to both tables without a pause; prints the longest wait of a write. */
async function migrateUnderLoad(): Promise<void> {
  const writer = new pg.Client({ connectionString: url })
  await writer.connect()
  let isDone = false
  const startedAt = performance.now()
  const migrated = migrate(url).finally(() => {
    isDone = true
  })
  let longestMs = 0
  let writes = 0
  const [one] = await sql('select id from datasources limit 1')
  for (; !isDone; writes += 1) {
    const from = performance.now()
    await writer.query(
      `with v as (insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
         values ('${org}', '${newId()}', '${one?.['id']}', 1, 'passed', '[]', '[]', 1, now()))
       insert into audit_events (org_id, id, at, principal_kind, action, outcome)
         values ('${org}', '${newId()}', now(), 'operator', 'bench', 'ok')`,
    )
    longestMs = Math.max(longestMs, performance.now() - from)
  }
  await migrated
  await writer.end()
  report(
    `migrate: ${((performance.now() - startedAt) / 1000).toFixed(1)} s; ${writes} writes meanwhile, the longest ${longestMs.toFixed(0)} ms`,
  )
}

/**
 * Runs all batches as a worker does, and prints their durations. Throws if one in a hundred takes longer than allowed.
 */
async function batches(name: string, batch: (size: number) => Promise<boolean>): Promise<void> {
  const took: number[] = []
  const size = new BatchSize()
  for (let more = true; more; ) {
    const from = performance.now()
    more = await timed(size, () => batch(size.rows))
    took.push(performance.now() - from)
  }
  took.sort((a, b) => a - b)
  const at = (share: number) => (took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0).toFixed(0)
  report(`  ${name.padEnd(18)} ${took.length} batches: median ${at(0.5)} ms, 99 % ${at(0.99)} ms, longest ${at(1)} ms`)
  if (Number(at(0.99)) > MOST_MS) throw new Error(`batches of ${name} hold their locks for longer than ${MOST_MS} ms`)
}

await fill()
await sizes()
await migrateUnderLoad()
const db = openDb({ url, size: 2, onError: () => undefined })
cleanup.defer(() => db.destroy())
report('forgetting')
const ago = (days: number) => new Date(Date.now() - days * DAY_MS)
await batches('verifications', size => oldRows.purgeVerifications(db, ago(90), size))
await batches('changes', size => oldChanges.purgeBatch(db, ago(7), size))
await batches('idempotency keys', size => idempotency.purgeExpired(db, new Date(), size))
await batches('months made', () => months.make(db))
await sql(
  `update datasources set deleted_at = now() - interval '31 days' where id = (select id from datasources limit 1)`,
)
await batches('removed datasource', size => oldRows.purgeDatasource(db, ago(30), size))
const from = performance.now()
await sql(`drop table audit_events_before`)
report(
  `  a month of ${rows.toLocaleString('en')} rows of the record dropped: ${(performance.now() - from).toFixed(0)} ms`,
)
