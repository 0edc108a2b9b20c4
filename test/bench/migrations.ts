/**
 * How long each migration since release 0.2.0 takes on a million datasources, which locks it holds for how long, and
 * how long reads and registrations of that release wait meanwhile: `npm run bench:migrations`, or `npm run
 * bench:migrations -- 100000` for fewer. Ends with an error if a call waited for longer than two seconds.
 */
import { readFile } from 'node:fs/promises'
import { argv, stdout } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { newId } from '#server/domain/access/ids.ts'
import { migrate, migrationNames } from '#server/store/installation/migrate.ts'
import { statementsOf } from '#server/store/installation/sql-statements.ts'
import { seedFormer } from '#test/bench/scale/former-seed.ts'
import { migrateBefore } from '#test/support/database/former-schema.ts'
import { query, startServer } from '#test/support/database/postgres.ts'

const datasources = Number(argv[2] ?? 1_000_000)
const organizations = Math.max(10, datasources / 100)
const MOST_MS = 2_000
const LOOK_MS = 10

const say = (line: string) => void stdout.write(`${line}\n`)

/** The measurements of one file. */
interface Step {
  seconds: number
  /** The times of one read and of one registration that ended while the file ran. */
  readMs: number
  writeMs: number
  /** How long a lock that others wait for was held, by table and mode. */
  readonly locks: Map<string, number>
}

const steps = new Map<string, Step>()
let running: Step | null = null

/** Times each statement of a migration from now on; a statement is known by its text. */
async function watchStatements(): Promise<void> {
  const fileOf = new Map<string, string>()
  for (const name of await migrationNames()) {
    const text = await readFile(new URL(`../../migrations/${name}.sql`, import.meta.url), 'utf8')
    for (const statement of statementsOf(text)) fileOf.set(statement, name)
  }
  const { query: send } = pg.Client.prototype
  Reflect.set(pg.Client.prototype, 'query', function (this: pg.Client, ...asked: unknown[]) {
    const file = typeof asked[0] === 'string' ? fileOf.get(asked[0]) : undefined
    const sent = Reflect.apply(send, this, asked)
    if (file === undefined) return sent
    const step = steps.get(file) ?? { seconds: 0, readMs: 0, writeMs: 0, locks: new Map() }
    steps.set(file, step)
    running = step
    const from = performance.now()
    return Promise.resolve(sent).finally(() => {
      step.seconds += (performance.now() - from) / 1_000
    })
  })
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

/** Repeats a call, and reports how long each took. */
async function again(
  goesOn: () => boolean,
  work: () => Promise<unknown>,
  received: (ms: number) => void,
): Promise<void> {
  while (goesOn()) {
    const from = performance.now()
    await work()
    received(performance.now() - from)
    await delay(LOOK_MS)
  }
}

/** The registration statement of that release, in its columns. */
const REGISTER = `
  with d as (
    insert into datasources (org_id, id, kind, mode, db_type, host, port, database, tls_mode, excluded_schemas, metadata, created_at)
    values ($1, $2, 'direct', 'test', 'postgresql', 'db.example.com', 5432, 'shop', 'require', '{}', '{}', now()) returning org_id, id
  ), c as (
    insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, created_at)
    select org_id, id, 1, 'current', $3::uuid, '\\x00'::bytea, 's', '\\x00'::bytea, now() from d
  ), a as (
    insert into audit_events (org_id, id, at, principal_kind, action, outcome)
    select org_id, $4::uuid, now(), 'operator', 'datasource.registered', 'ok' from d
  ), t as (
    insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
    select org_id, $5::uuid, 'verify', id, true, now(), now() from d
  )
  insert into changes (org_id, datasource_id, change, at) select org_id, id, 'registered', now() from d`

const READ = `select d.id, c.version from datasources d left join credentials c on c.org_id = d.org_id and c.datasource_id = d.id
  and c.state = 'current' where d.org_id = $1 and d.id = $2`

/** Locks that others wait for, and when each was first seen. */
async function watchLocks(client: pg.Client, ours: readonly number[], goesOn: () => boolean): Promise<void> {
  const since = new Map<string, number>()
  while (goesOn()) {
    const { rows } = await client.query(
      `select distinct c.relname || ' ' || l.mode as name from pg_locks l join pg_class c on c.oid = l.relation
       where l.granted and l.pid <> all ($1) and c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
         and l.mode in ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`,
      [ours],
    )
    const now = performance.now()
    const names = new Set(rows.map(row => String(row.name)))
    for (const name of since.keys()) if (!names.has(name)) since.delete(name)
    for (const name of names) {
      const from = since.get(name) ?? now
      since.set(name, from)
      running?.locks.set(name, Math.max(running.locks.get(name) ?? 0, now - from))
    }
    await delay(LOOK_MS)
  }
}

async function measured(url: string): Promise<void> {
  const [one] = await query(
    url,
    'select d.org_id, d.id, k.id as key from datasources d join organization_keys k on k.org_id = d.org_id limit 1',
  )
  const [org, id, key] = [one?.['org_id'], one?.['id'], one?.['key']]
  const clients = await Promise.all([connected(url), connected(url), connected(url)])
  const pids = await Promise.all(
    clients.map(async client => (await client.query('select pg_backend_pid() as pid')).rows[0].pid),
  )
  const [reader, writer, looker] = clients
  await watchStatements()
  let isDone = false
  const goesOn = () => !isDone
  const migrated = migrate(url).finally(() => {
    isDone = true
  })
  await Promise.all([
    migrated,
    again(
      goesOn,
      () => reader.query(READ, [org, id]),
      ms => {
        if (running !== null) running.readMs = Math.max(running.readMs, ms)
      },
    ),
    again(
      goesOn,
      () => writer.query(REGISTER, [org, newId(), key, newId(), newId()]),
      ms => {
        if (running !== null) running.writeMs = Math.max(running.writeMs, ms)
      },
    ),
    watchLocks(looker, pids, goesOn),
  ])
  await Promise.all(clients.map(client => client.end()))
}

await using cleanup = new AsyncDisposableStack()
const server = await startServer({
  settings: { shared_buffers: '1GB', max_wal_size: '8GB', maintenance_work_mem: '256MB' },
})
cleanup.defer(() => server.stop())
const url = await server.createDatabase('former')
await migrateBefore(url, 'verdicts')
const from = performance.now()
await seedFormer(url, { datasources, organizations })
say(`${datasources} datasources of release 0.2.0 are there after ${((performance.now() - from) / 1_000).toFixed(0)} s`)
const startedAt = performance.now()
await measured(url)
say(`migrate took ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`)
say('| step | seconds | longest read, ms | longest registration, ms | longest lock that others wait for |')
say('|---|---|---|---|---|')
for (const [name, { seconds, readMs, writeMs, locks }] of [...steps].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const [longest] = [...locks].sort(([, a], [, b]) => b - a)
  const lock = longest === undefined ? 'none' : `${longest[0]}, ${longest[1].toFixed(0)} ms`
  say(`| ${name} | ${seconds.toFixed(1)} | ${readMs.toFixed(0)} | ${writeMs.toFixed(0)} | ${lock} |`)
}
const worst = Math.max(...[...steps.values()].map(({ readMs, writeMs }) => Math.max(readMs, writeMs)))
if (worst > MOST_MS) throw new Error(`somebody waited for ${worst.toFixed(0)} ms`)
