/** Restored backups of Mooring's database: the remaining keys determine which credentials open. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { SealBroken } from '#server/seal/held-key.ts'
import { readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/database/db.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { cloneDatabase, copyCredentials } from '#test/support/database/backups.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'
import { openAll } from '#test/support/keys/many-credentials.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { operator } from '#test/support/mooring/operator.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

// Each test starts several processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const MINUTE_MS = 60_000
const PASSWORD = 'restored-or-lost'

let installation: Installation
let customer: Customer
/** The organization that stays and the one that is removed: id, API key, datasource. */
let kept: Tenant
let gone: Tenant
/** Copies of the whole database, and of both keyrings, from the day before the removal and from the day after it. */
let before: string
let after: string
let oldKeyrings: string
const copies: FreshDatabase[] = []
let running: Running | undefined

interface Tenant {
  readonly id: string
  readonly key: string
  readonly datasource: string
}

beforeAll(async () => {
  installation = await prepareInstallation()
  customer = await makeCustomer(PASSWORD)
  const { id, key } = await overDb(installation.databaseUrl, secondOrganization)
  const main = await startMain(installation.databaseUrl, installation.keyrings)
  const [first] = await query(installation.databaseUrl, `select id from organizations where id <> '${id}'`)
  kept = { id: String(first?.['id']), ...(await registered(main, installation.testKey)) }
  gone = { id, ...(await registered(main, key)) }
  await stopMain()
  before = await clone(installation.databaseUrl)
  oldKeyrings = await mkdtemp(join(tmpdir(), 'mooring-backup-'))
  await cp(installation.keyrings, oldKeyrings, { recursive: true })
  await asOperator(['org', 'remove', gone.id], { yes: true })
  after = await clone(installation.databaseUrl)
})
afterEach(stopMain)
afterAll(async () => {
  for (const copy of copies) await copy.drop()
  await installation.remove()
  await customer.drop()
  await rm(oldKeyrings, { recursive: true, force: true })
})

async function overDb<T>(url: string, work: (db: Db) => Promise<T>): Promise<T> {
  const db = openDb({ url, size: 1, onError: () => undefined })
  try {
    return await work(db)
  } finally {
    await db.destroy()
  }
}

async function secondOrganization(db: Db): Promise<{ id: string; key: string }> {
  const deps = { db, keyring: await readWorkerKeyring(join(installation.keyrings, 'worker.json')), now: new Date() }
  const id = await createOrganization(deps, 'Gone')
  return { id, key: await createKeyAsOperator(deps, { organizationId: id, mode: 'test', name: null }) }
}

async function clone(url: string): Promise<string> {
  const copy = await cloneDatabase(url)
  copies.push(copy)
  return copy.url
}

const asOperator = (words: string[], options: Record<string, boolean> = {}, aheadMs = 0) =>
  overDb(installation.databaseUrl, db => {
    const { databaseUrl, keyrings: keyringDir } = installation
    return operator({ db, databaseUrl, keyringDir, now: () => new Date(Date.now() + aheadMs) })(...words, options)
  })

async function startMain(url: string, keyrings: string): Promise<string> {
  running = startEntry('main', { ...installation.env('both'), DATABASE_URL: url, MOORING_KEYRING: keyrings })
  return `http://127.0.0.1:${(await running.line(/"port":(\d+),"msg":"web/))[1]}`
}

async function stopMain(): Promise<void> {
  await running?.stop()
  running = undefined
}

async function post(url: string, key: string, body: object = {}) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', prefer: 'wait=30' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  return { http: answer.status, ...((await answer.json()) as { id: string; status: string; status_reason: string }) }
}

async function registered(main: string, key: string): Promise<{ key: string; datasource: string }> {
  const made = await post(`${main}/v1/datasources`, key, { connectionString: customer.url() })
  expect(made).toMatchObject({ http: 201, status: 'active' })
  return { key, datasource: made.id }
}

/** Serves a restored database with keyrings, and has an organization's datasource checked there. */
async function checkedIn(url: string, keyrings: string, { key, datasource }: Tenant) {
  const main = await startMain(url, keyrings)
  const answer = await post(`${main}/v1/datasources/${datasource}/verify`, key)
  await stopMain()
  return answer
}

/**
 * The passwords to which a keyring opens an organization's credentials in a database, or the reason why it does not.
 */
const openedIn = (url: string, keyrings: string, organizationId: string) =>
  overDb(url, async db => {
    const keyring = await readWorkerKeyring(join(keyrings, 'worker.json'))
    return openAll({ db, keyring, organizationId }).then(
      ({ passwords }) => [...passwords].map(login => login.split(' ')[1]),
      (error: Error) => error.message,
    )
  })
const NO_KEY = 'a key is missing'
const BROKEN = new SealBroken().message

describe('The credentials alone', () => {
  it('open with no key of another database, whose organization has a key under the same master key', async () => {
    const database = await freshDatabase()
    await copyCredentials(before, database.url)
    for (const { id } of [kept, gone]) expect(await openedIn(database.url, oldKeyrings, id)).toBe(NO_KEY)
    const other = await overDb(database.url, secondOrganization)
    const row = `update credentials set org_id = '${other.id}', key_id = (select id from organization_keys)`
    await query(database.url, `set session_replication_role = replica; ${row}`)
    expect(await openedIn(database.url, oldKeyrings, other.id)).toBe(BROKEN)
    await database.drop()
  })
})

describe('After an organization was removed', () => {
  it('a backup from before it opens with the keyring of that day: removal does not cover old backups', async () => {
    expect(await openedIn(before, oldKeyrings, gone.id)).toEqual([PASSWORD])
    expect(await checkedIn(await clone(before), oldKeyrings, gone)).toMatchObject({ status: 'active', http: 200 })
  })

  it('a backup from after it does not open, not even with the keyring of the day before; the others’ do', async () => {
    expect(await openedIn(after, oldKeyrings, gone.id)).toEqual([])
    expect(await query(after, `select secret from organization_keys where org_id = '${gone.id}'`)).toEqual([
      { secret: null },
    ])
    expect(await openedIn(after, oldKeyrings, kept.id)).toEqual([PASSWORD])
  })

  it('even the bytes of an older backup, inserted into one from after it, do not open: their key is gone', async () => {
    const url = await clone(after)
    await copyCredentials(before, url)
    expect(await openedIn(url, oldKeyrings, gone.id)).toBe(NO_KEY)
    expect(await openedIn(url, oldKeyrings, kept.id)).toEqual([PASSWORD])
  })
})

describe('After the master key was rotated as well and the old one dropped', () => {
  beforeAll(async () => {
    for (const says of ['Announced.', 'In use.'])
      expect((await asOperator(['keyring', 'rotate-master'])).complained).toContain(says)
    expect((await asOperator(['keyring', 'retire'], {}, 16 * MINUTE_MS)).printed).toHaveLength(1)
  })

  it('a whole backup from before does not open with the current keyrings, and nothing starts on it', async () => {
    for (const { id } of [gone, kept]) expect(await openedIn(before, installation.keyrings, id)).toBe(BROKEN)
    const url = await clone(before)
    const env = { ...installation.env('both'), DATABASE_URL: url, MOORING_KEYRING: installation.keyrings }
    running = startEntry('main', env)
    expect(await running.ended).toBe(1)
    expect(running.err()).toContain("The worker's keyring opens none of the organizations' keys in this database.")
    // A key that the keyring lacks is no finding about a customer.
    expect(await query(url, "select status, status_reason from datasources where status <> 'active'")).toEqual([])
    const rows = await query(url, `select state from credentials where org_id = '${gone.id}'`)
    expect(rows).toEqual([{ state: 'current' }])
  })

  it('the database itself continues, and a backup from now opens', async () => {
    const url = await clone(installation.databaseUrl)
    expect(await openedIn(url, installation.keyrings, kept.id)).toEqual([PASSWORD])
    expect(await openedIn(url, installation.keyrings, gone.id)).toEqual([])
  })
})
