/**
 * Moves an organization between two servers by the command, and prints its duration and how long writers were refused:
 * `npm run bench:move` for 5,000 datasources, `npm run bench:move -- 20000` for another number.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/database/db.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { query, startServer } from '#test/support/database/postgres.ts'
import { makeCredentials } from '#test/support/keys/many-credentials.ts'
import { startEntry } from '#test/support/operations/processes.ts'

const count = Number(argv[2] ?? 5_000)

await using cleanup = new AsyncDisposableStack()
const dir = await mkdtemp(join(tmpdir(), 'mooring-move-'))
cleanup.defer(() => rm(dir, { recursive: true, force: true }))
await initKeyrings(dir, newKeyId)
const keyring = await readWorkerKeyring(join(dir, 'worker.json'))

async function installation() {
  const server = await startServer()
  cleanup.defer(() => server.stop())
  const url = await server.createDatabase('bench')
  await migrate(url)
  const db = openDb({ url, size: 2, onError: () => undefined })
  cleanup.defer(() => db.destroy())
  const org = await createOrganization({ db, keyring, now: new Date() }, 'Bench')
  return { url, db, org }
}

/**
 * The rows of a datasource after a year: three verifications, a snapshot of 4 kB, two lines of the record, a scheduled
 * task.
 */
const FILLED = (org: string) => `
  insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
    select org_id, uuidv7(), id, 1, 'passed', (select jsonb_agg(jsonb_build_object('item', 'check ' || i, 'ok', true)) from generate_series(1, 11) i),
      '[]', 20, now() from datasources, generate_series(1, 3) where org_id = '${org}';
  insert into snapshots (org_id, id, datasource_id, fingerprint, excluded_schemas, table_count, content, observed, taken_at, seen_at)
    select org_id, uuidv7(), id, 'f', '{}', 10, decode(repeat(md5(id::text), 128), 'hex'), '\\x00', now(), now() from datasources where org_id = '${org}';
  insert into audit_events (org_id, id, at, principal_kind, action, outcome)
    select org_id, uuidv7(), now(), 'operator', 'datasource.updated', 'ok' from datasources, generate_series(1, 2) where org_id = '${org}';
  insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
    select org_id, uuidv7(), 'verify', id, true, now() + interval '1 day', now() from datasources where org_id = '${org}';
  insert into change_heads (org_id, epoch, last) values ('${org}', 1, ${count})
    on conflict (org_id) do update set last = ${count};
  insert into changes (org_id, n, datasource_id, change, at)
    select org_id, row_number() over (order by id), id, 'registered', now() from datasources where org_id = '${org}'`

const [source, target] = [await installation(), await installation()]
await makeCredentials({ db: source.db, keyring, organizationId: source.org }, count)
await query(source.url, FILLED(source.org))
await query(source.url, 'analyze')
const startedAt = performance.now()
const env = { DATABASE_URL: source.url, MOORING_KEYRING: dir }
const running = startEntry('cli', env, ['org', 'move', source.org, '--to', target.url])
const saidAt = new Map<string, number>()
const LINES = ['Nothing new is written', 'Every row is the same', 'in use at the target'] as const
running.child.stderr?.on('data', () => {
  for (const line of LINES) if (!saidAt.has(line) && running.err().includes(line)) saidAt.set(line, performance.now())
})
if ((await running.ended) !== 0) throw new Error(running.err())
const seconds = (from: number, to: number) => `${((to - from) / 1_000).toFixed(1)} s`
const at = (line: (typeof LINES)[number]) => saidAt.get(line) ?? startedAt
const [{ rows } = {}] = await query(
  target.url,
  'select (select count(*) from verifications) + 7 * (select count(*) from credentials) as rows',
)
stdout.write(
  `${count} datasources, about ${String(rows)} rows: moved in ${seconds(startedAt, performance.now())}; ` +
    `writers refused for ${seconds(at('Nothing new is written'), at('in use at the target'))}, of it ` +
    `${seconds(at('Nothing new is written'), at('Every row is the same'))} for the copy and its proof\n`,
)
