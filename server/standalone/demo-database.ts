/**
 * The sample database of local mode, next to the registry's own in the embedded server: a real database to register.
 *
 * One role owns it and cannot log in; another logs in and may only read, so that it passes every check like a
 * customer's must. It must never be created in a server that is not ours. Called by `main.ts`.
 */
import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Embedded } from '#server/standalone/embedded/embedded.ts'

const DATABASE = 'chandlery'
const DRAFT = 'chandlery_unfinished'
const OWNER = 'sample_owner'
const READER = 'sample_reader'
const PASSWORD = 'sample-password'
// An arbitrary key: two concurrent starts must not both create the database.
const LOCK = 5_172_830

/** The database to register. */
export interface DemoDatabase {
  /** The reader's connection string, without `sslmode`. Secret. */
  readonly connectionString: string
}

/**
 * Creates the sample database if it does not exist, and returns how to reach it. Its password is created once and
 * stored in `dir` (0600). A start that is killed half-way leaves no partial database: the next one starts over.
 */
export async function ensureDemoDatabase(embedded: Pick<Embedded, 'url' | 'port'>, dir: string): Promise<DemoDatabase> {
  const admin = await connected(embedded.url)
  try {
    await admin.query('select pg_advisory_lock($1)', [LOCK])
    const password = await ensureReader(admin, join(dir, PASSWORD))
    const found = await admin.query('select datname from pg_database where datname = $1', [DATABASE])
    if (found.rowCount === 0) await makeDatabase(admin, embedded.url)
    return { connectionString: urlOf(embedded, password) }
  } finally {
    await admin.end()
  }
}

/**
 * The connection string of an existing sample database, in a server that is a copy of the one in which it was created.
 */
export async function demoDatabaseUrl(embedded: Pick<Embedded, 'port'>, dir: string): Promise<string> {
  return urlOf(embedded, await readFile(join(dir, PASSWORD), 'utf8'))
}

function urlOf({ port }: Pick<Embedded, 'port'>, password: string): string {
  return `postgresql://${READER}:${password}@127.0.0.1:${port}/${DATABASE}`
}

async function ensureReader(admin: pg.Client, file: string): Promise<string> {
  for (const role of [OWNER, READER]) {
    const found = await admin.query('select rolname from pg_roles where rolname = $1', [role])
    if (found.rowCount === 0) await admin.query(`create role ${role} nologin`)
  }
  const kept = await readFile(file, 'utf8').catch(() => null)
  const ready = await admin.query('select rolname from pg_roles where rolname = $1 and rolcanlogin', [READER])
  if (kept !== null && ready.rowCount === 1) return kept
  const password = randomBytes(18).toString('base64url')
  // None of these characters needs quoting. The role gets the password before the file is written: a start that is
  // killed in between creates another one.
  await admin.query(`alter role ${READER} login password '${password}'`)
  await writeFile(`${file}.draft`, password, { mode: 0o600, flush: true })
  await rename(`${file}.draft`, file)
  return password
}

async function makeDatabase(admin: pg.Client, url: string): Promise<void> {
  await admin.query(`drop database if exists ${DRAFT} with (force)`)
  await admin.query(`create database ${DRAFT} owner ${OWNER}`)
  await fill(url)
  // By default every role may connect to every database; the reader may only see this one.
  await admin.query(`revoke connect, temporary on database ${DRAFT} from public`)
  await admin.query(`grant connect on database ${DRAFT} to ${READER}`)
  const others = await admin.query('select quote_ident(datname) as name from pg_database where datname <> $1', [DRAFT])
  for (const { name } of others.rows) await admin.query(`revoke connect, temporary on database ${name} from public`)
  await admin.query(`alter database ${DRAFT} rename to ${DATABASE}`)
}

async function fill(url: string): Promise<void> {
  const target = new URL(url)
  target.pathname = `/${DRAFT}`
  const client = await connected(target.href)
  try {
    const text = await readFile(new URL('demo-database.sql', import.meta.url), 'utf8')
    // Several statements in one message form one transaction.
    await client.query(`set local role ${OWNER};\n${text}`)
    await client.query('analyze')
  } finally {
    await client.end()
  }
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  // The running query rejects anyway. Without a listener, pg's 'error' event would end the process first.
  client.on('error', () => undefined)
  await client.connect()
  return client
}
