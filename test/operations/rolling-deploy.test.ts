/**
 * An upgrade without an interruption: the previous release and this one run together on one database, with a role for
 * each tier, in the order migrate, keyring upgrade, workers, web, db grant; and the way back.
 */
import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { type Client, createClient, faultOf } from '#client/index.ts'
import { withDatasource } from '#client/node.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { type EventStream, watchDatasources } from '#test/support/changes/event-stream.ts'
import { databaseUrl, query, quoted } from '#test/support/database/postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type FormerRelease, unpackRelease } from '#test/support/operations/former-release.ts'
import { type Running, startEntryOf } from '#test/support/operations/processes.ts'

// The tests start processes of two releases: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const OWN_ROOT = fileURLToPath(new URL('../../', import.meta.url))
type Entry = 'web' | 'worker' | 'cli'

let former: FormerRelease
let customer: Customer
let keyrings: string
let backup: string
let ownerUrl: string
let testKey: string
let token: string
/** The verify keys of this release; before the upgrade the keyrings have none. */
let verifyKeys: string[]
let old: { web: Running; worker: Running }
let current: { web: Running; worker: Running }
/** Registered through the previous release, before this one ran. */
let first: DatasourceId
const roles = { web: `web_${randomUUID().slice(0, 8)}`, worker: `worker_${randomUUID().slice(0, 8)}` }
const running: Running[] = []

beforeAll(async () => {
  former = await unpackRelease('0.2.0')
  customer = await makeCustomer()
  keyrings = await mkdtemp(join(tmpdir(), 'mooring-rolling-'))
  backup = await mkdtemp(join(tmpdir(), 'mooring-rolling-backup-'))
  ownerUrl = await emptyDatabase()
  await command(former.dir, 'migrate')
  await command(former.dir, 'keyring', 'init', '--dir', keyrings)
  for (const role of Object.values(roles)) await query(ownerUrl, `create role ${quoted(role)} login password '${role}'`)
  await grant(former.dir)
  await command(former.dir, 'org', 'create', '--name', 'First')
  testKey = await command(former.dir, 'keys', 'create', '--mode', 'test')
  old = { worker: await worker(former.dir), web: await web(former.dir) }
  first = await registered(old.web, 'first')
  token = await command(former.dir, 'capability', 'create', '--lease', '--ttl', '1h', '--mode', 'test')
})
afterAll(async () => {
  await Promise.all(running.map(one => one.stop('SIGKILL')))
  await former?.remove()
  for (const dir of [keyrings, backup]) await rm(dir, { recursive: true, force: true })
  const name = new URL(ownerUrl).pathname.slice(1)
  await query(ownerUrl, `drop owned by ${quoted(roles.web)}, ${quoted(roles.worker)}`)
  await query(inject('registryUrl'), `drop database ${quoted(name)} with (force)`)
  for (const role of Object.values(roles)) await query(inject('registryUrl'), `drop role ${quoted(role)}`)
  await customer.drop()
})

async function emptyDatabase(): Promise<string> {
  const name = `mooring_rolling_${randomUUID()}`
  await query(inject('registryUrl'), `create database ${quoted(name)}`)
  return databaseUrl(inject('registryUrl'), name)
}

const BASE = { HOST: '127.0.0.1', PORT: '0', MOORING_ALLOWED_NETWORKS: '127.0.0.0/8' }

function start(
  root: string,
  entry: Entry,
  options: { env: Record<string, string>; args?: readonly string[] },
): Running {
  // The previous release does not know `off`, and serves no metrics.
  const own = root === OWN_ROOT ? { MOORING_HEALTH_PORT: 'off' } : {}
  const one = startEntryOf(root, entry, { ...options, env: { ...BASE, ...own, ...options.env } })
  running.push(one)
  return one
}

/** Runs an operator's command of a release, and returns its output. */
async function command(root: string, ...args: readonly string[]): Promise<string> {
  const one = start(root, 'cli', { env: { DATABASE_URL: ownerUrl, MOORING_KEYRING: keyrings }, args })
  expect([await one.ended, one.err()]).toEqual([0, expect.any(String)])
  return one.out.join('\n')
}

const grant = (root: string) => command(root, 'db', 'grant', '--web', roles.web, '--worker', roles.worker, '--apply')

/** A process of a tier, under its role, with the current keyring in a folder of its own. */
async function tier(root: string, entry: 'web' | 'worker', folder = keyrings): Promise<Running> {
  const url = new URL(ownerUrl)
  url.username = roles[entry]
  url.password = roles[entry]
  const env = { DATABASE_URL: url.href, MOORING_KEYRING: join(folder, `${entry}.json`) }
  const one = start(root, entry, { env })
  await one.line(entry === 'web' ? /web is listening/ : /worker is running/)
  return one
}
const web = (root: string) => tier(root, 'web')
const worker = (root: string, folder?: string) => tier(root, 'worker', folder)

async function clientOf(through: Running, key = testKey): Promise<Client> {
  const [, port] = await through.line(/"port":(\d+),"msg":"web/)
  return createClient({ url: `http://127.0.0.1:${port}`, key, retries: 0 })
}

async function watched(through: Running): Promise<EventStream> {
  const [, port] = await through.line(/"port":(\d+),"msg":"web/)
  return watchDatasources({ url: `http://127.0.0.1:${port}`, key: testKey })
}

const stringOf = (name: string) => customer.url('reader', { parameters: `application_name=${name}` })

async function registered(through: Running, name: string): Promise<DatasourceId> {
  const client = await clientOf(through)
  const made = await client.datasources.register.mutate({ connectionString: stringOf(name), waitSeconds: 30 })
  expect(made).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 1 })
  return made.id
}

async function rotated(through: Running, id: DatasourceId, to: { name: string; version: number }): Promise<void> {
  const client = await clientOf(through)
  const rotate = { id, connectionString: stringOf(to.name), waitSeconds: 30 }
  expect(await client.datasources.rotate.mutate(rotate)).toMatchObject({
    status: 'active',
    credentialVersion: to.version,
  })
}

/** Uses a datasource by a lease, through a web process. */
async function leased(through: Running, id: DatasourceId): Promise<string> {
  const client = await clientOf(through, token)
  return withDatasource(client, { id, verifyKeys, ttlSeconds: 60 }, async pool => {
    const { rows } = await pool.query(`select current_setting('application_name') as name`)
    return String(rows[0]?.name)
  })
}

/**
 * Uses a datasource while workers of both releases run. A worker of the previous release signs neither leases nor
 * verdicts, and either worker may be the faster one: the old worker's lease is refused, and the next one succeeds once
 * that worker has ended. The old worker is then started again.
 */
async function leasedBesideFormer(through: Running, id: DatasourceId): Promise<string> {
  const answer = await leased(through, id).catch((error: Error) => error)
  if (typeof answer === 'string') return answer
  if (!/not signed with any of verifyKeys/.test(answer.message) && faultOf(answer) !== 'conflict') throw answer
  expect(await old.worker.stop()).toBe(0)
  const name = await leased(through, id)
  old.worker = await worker(former.dir, backup)
  return name
}

describe('A rolling deploy', () => {
  it('is refused by the new processes until the keyrings are upgraded, with the command to run', async () => {
    await command(OWN_ROOT, 'migrate')
    const refused = start(OWN_ROOT, 'worker', {
      env: { DATABASE_URL: ownerUrl, MOORING_KEYRING: join(keyrings, 'worker.json') },
    })
    expect(await refused.ended).toBe(1)
    expect(refused.err()).toMatch(/earlier release.*keyring upgrade/)
  })

  it('keeps the old processes at work while the keyrings are upgraded, which can be repeated', async () => {
    await cp(keyrings, backup, { recursive: true })
    await command(OWN_ROOT, 'keyring', 'upgrade')
    const texts = () => Promise.all(['web', 'worker'].map(name => readFile(join(keyrings, `${name}.json`), 'utf8')))
    const upgraded = await texts()
    await command(OWN_ROOT, 'keyring', 'upgrade')
    expect(await texts()).toEqual(upgraded)
    await registered(old.web, 'upgraded')
  })

  it('registers, rotates and leases through both releases while both run', async () => {
    verifyKeys = (await command(OWN_ROOT, 'lease-key', 'show')).split('\n')
    const newWorker = await worker(OWN_ROOT)
    current = { worker: newWorker, web: await web(OWN_ROOT) }
    const reported = await Promise.all([watched(old.web), watched(current.web)])
    for (const [name, through] of [
      ['old', old.web],
      ['new', current.web],
    ] as const) {
      const id = await registered(through, `${name}-1`)
      expect(await leasedBesideFormer(through, id)).toBe(`${name}-1`)
      await rotated(through, id, { name: `${name}-2`, version: 2 })
      const other = through === old.web ? current.web : old.web
      expect(await leasedBesideFormer(other, id)).toBe(`${name}-2`)
      await rotated(other, id, { name: `${name}-3`, version: 3 })
      expect(await leasedBesideFormer(through, id)).toBe(`${name}-3`)
    }
    expect(await leasedBesideFormer(current.web, first)).toBe('first')
    // Watchers at either release receive the changes of both.
    for (const stream of reported) {
      const versions = () => stream.messages.map(({ text }) => JSON.parse(text).datasource.credentialVersion)
      await stream.first(() => versions().filter(version => version === 3).length >= 2)
      expect(versions().filter(version => version === 1).length).toBeGreaterThanOrEqual(2)
      await stream.close()
    }
  })

  it('ends with only the new processes, under the new grants', async () => {
    for (const one of [old.worker, old.web]) expect(await one.stop()).toBe(0)
    await grant(OWN_ROOT)
    const id = await registered(current.web, 'after')
    expect(await leased(current.web, id)).toBe('after')
    await rotated(current.web, first, { name: 'first-2', version: 2 })
    expect(await leased(current.web, first)).toBe('first-2')
    for (const one of [current.web, current.worker])
      expect(one.out.filter(line => /"level":[56]0/.test(line))).toEqual([])
  })

  it('is undone with the backup of the keyrings', async () => {
    for (const one of [current.web, current.worker]) expect(await one.stop()).toBe(0)
    await cp(backup, keyrings, { recursive: true })
    await grant(former.dir)
    old = { worker: await worker(former.dir), web: await web(former.dir) }
    const client = await clientOf(old.web)
    const checked = await client.datasources.verify.mutate({ id: first, waitSeconds: 30 })
    expect(checked).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 2 })
    await registered(old.web, 'back')
  })
})
