/**
 * A worker whose keyring lacks keys: it does not start if it can open nothing, leaves unreadable tasks to other
 * workers, and draws no conclusion that a customer would see. Two organizations, each with its own keyring; one worker
 * has both.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Client } from '#client/index.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { query } from '#test/support/database/postgres.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'

// The tests start processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const LACKS = 'the keyring of this worker lacks a key: the task is left to another one'

let tiers: Tiers
let customer: Customer
let dir: string
let web: TierProcess
/** Keyring files: of the second organization's keys alone, and of both organizations' keys. */
let files: { foreign: string; both: string }
let mine: Client
let theirs: { id: string; client: Client }
const running: TierProcess[] = []

beforeAll(async () => {
  tiers = await makeTiers()
  customer = await makeCustomer()
  dir = await mkdtemp(join(tmpdir(), 'mooring-foreign-'))
  await initKeyrings(join(dir, 'other'), newKeyId)
  const [own, other] = await Promise.all([keyringsOf(tiers.dir), keyringsOf(join(dir, 'other'))])
  files = { foreign: join(dir, 'other/worker.json'), both: join(dir, 'both.json') }
  const merged = Object.fromEntries(
    ['master', 'signing', 'verify', 'pepper', 'fingerprint', 'lease'].map(kind => [
      kind,
      [...listOf(own.worker, kind), ...listOf(other.worker, kind)],
    ]),
  )
  await writeFile(files.both, JSON.stringify({ role: 'worker', ...merged }), { mode: 0o600 })
  const webFile = join(dir, 'web.json')
  // Only the first worker's keyring knows its signing key, as after a rotation that has not reached the other.
  const verify = [...listOf(own.web, 'verify'), ...listOf(other.web, 'verify')]
  await writeFile(webFile, JSON.stringify({ ...own.web, verify }), { mode: 0o600 })
  const keyring = await readWorkerKeyring(files.foreign)
  const id = await createOrganization({ db: tiers.db, keyring, now: new Date() }, 'Theirs')
  const deps = { db: tiers.db, keyring: await tiers.keyring(), now: new Date() }
  const key = await createKeyAsOperator(deps, { organizationId: id, mode: 'test', name: null })
  web = await tiers.start('web', { env: { MOORING_KEYRING: webFile } })
  mine = await tiers.client(web, { seal: false })
  theirs = { id, client: await tiers.client(web, { key, seal: false }) }
})
afterEach(() => Promise.all(running.splice(0).map(one => one.end())))
afterAll(async () => {
  await tiers.stop()
  await customer.drop()
  await rm(dir, { recursive: true, force: true })
})

type Keyring = Record<string, unknown>

async function keyringsOf(folder: string): Promise<{ web: Keyring; worker: Keyring }> {
  const read = async (role: string) => JSON.parse(await readFile(join(folder, `${role}.json`), 'utf8'))
  return { web: await read('web'), worker: await read('worker') }
}

function listOf(keyring: Keyring, kind: string): unknown[] {
  const list = keyring[kind]
  if (!Array.isArray(list)) throw new Error(`the keyring has no list of ${kind}`)
  return list
}

async function startWorker(keyring: string): Promise<TierProcess> {
  const worker = await tiers.start('worker', { env: { MOORING_KEYRING: keyring } })
  running.push(worker)
  return worker
}

const stringOf = (name: string) => customer.url('reader', { parameters: `application_name=${name}` })
const bare = (id: string) => id.replace(/^ds_test_/, '')
const statusOf = async (client: Client, id: DatasourceId) => {
  const { status, statusReason } = await client.datasources.get.query({ id })
  return { status, statusReason }
}

/** The times of the lines that report an organization's task as left to another worker. */
const leftAt = (worker: TierProcess, organizationId: string) =>
  worker
    .lines()
    .filter(line => line['msg'] === LACKS && line['organizationId'] === organizationId)
    .map(line => Number(line['time']))

describe('A worker whose keyring opens no key of the database', () => {
  it('does not start, and names the remedy in one sentence', async () => {
    await initKeyrings(join(dir, 'third'), newKeyId)
    const refused = startWorker(join(dir, 'third/worker.json'))
    await expect(refused).rejects.toThrow(/opens none of the organizations' keys.*Set MOORING_KEYRING/)
  })

  it('cannot result from SIGHUP to a running one', async () => {
    const file = join(dir, 'reloaded.json')
    await writeFile(file, await readFile(files.both), { mode: 0o600 })
    const worker = await startWorker(file)
    await writeFile(file, await readFile(join(dir, 'third/worker.json')), { mode: 0o600 })
    worker.process.kill('SIGHUP')
    const line = await worker.logged('the keyring could not be read again; the old one stays')
    expect(line['reason']).toMatch(/opens none of the organizations' keys/)
    const made = await mine.datasources.register.mutate({ connectionString: stringOf('hup'), waitSeconds: 30 })
    expect(made.status).toBe('active')
  })
})

describe('A worker whose keyring lacks the key of one organization', () => {
  it('leaves a new datasource unchanged, serves the others meanwhile, and does not spin', async () => {
    const worker = await startWorker(join(tiers.dir, 'worker.json'))
    const made = await theirs.client.datasources.register.mutate({ connectionString: stringOf('new') })
    await expect.poll(() => leftAt(worker, theirs.id).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(3)
    const own = await mine.datasources.register.mutate({ connectionString: stringOf('own'), waitSeconds: 30 })
    expect(own.status).toBe('active')
    expect(await statusOf(theirs.client, made.id)).toEqual({ status: 'unverified', statusReason: null })
    const [first = 0, second = 0, third = 0] = leftAt(worker, theirs.id)
    // Each release leaves five seconds to another worker.
    expect([second - first, third - second].every(ms => ms >= 4_900)).toBe(true)
    expect(
      await query(tiers.databaseUrl, `select count(*)::int from verifications where org_id = '${theirs.id}'`),
    ).toEqual([{ count: 0 }])
    // The check completes as soon as a capable worker runs.
    await startWorker(files.both)
    await expect.poll(() => statusOf(theirs.client, made.id), { timeout: 30_000 }).toMatchObject({ status: 'active' })
  })

  it('blocks nothing that another worker can do: checks, schemas, leases', async () => {
    const [lacking] = await Promise.all([startWorker(join(tiers.dir, 'worker.json')), startWorker(files.both)])
    const made = await theirs.client.datasources.register.mutate({ connectionString: stringOf('two'), waitSeconds: 30 })
    expect(made.status).toBe('active')
    const id = made.id
    const token = await leaseCapability({
      db: tiers.db,
      keyring: await readWorkerKeyring(files.both),
      organization: theirs,
    })
    const lessee = await tiers.client(web, { key: token, seal: false })
    const { publicKey } = await holderKey()
    // Repeats until the worker without the key has had one of them.
    do {
      expect(await theirs.client.datasources.verify.mutate({ id, waitSeconds: 30 })).toMatchObject({ status: 'active' })
      expect(await theirs.client.snapshots.introspect.mutate({ id })).toMatchObject({ snapshot: { datasourceId: id } })
      expect(await lessee.datasources.lease.mutate({ id, publicKey, ttlSeconds: 60 })).toMatchObject({
        credentialVersion: 1,
      })
    } while (leftAt(lacking, theirs.id).length === 0)
    expect(await statusOf(theirs.client, id)).toEqual({ status: 'active', statusReason: null })
    expect(lacking.lines().filter(line => Number(line['level']) >= 50)).toEqual([])
  })

  it('releases a request for ever, rather than marking an active datasource', async () => {
    const [active] = await query(
      tiers.databaseUrl,
      `select id from datasources where org_id = '${theirs.id}' and status = 'active' limit 1`,
    )
    const lacking = await startWorker(join(tiers.dir, 'worker.json'))
    const id = `ds_test_${String(active?.['id']).replaceAll('-', '')}` as const
    await theirs.client.datasources.verify.mutate({ id })
    await expect.poll(() => leftAt(lacking, theirs.id).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(2)
    expect(await statusOf(theirs.client, id)).toEqual({ status: 'active', statusReason: null })
  })
})

describe('The right worker', () => {
  it('checks again a datasource that an earlier release’s worker marked as unreadable, and leaves those that no worker can open', async () => {
    const worker = await startWorker(files.both)
    const [marked, broken] = await Promise.all(
      ['marked', 'broken'].map(name =>
        mine.datasources.register.mutate({ connectionString: stringOf(name), waitSeconds: 30 }),
      ),
    )
    if (marked === undefined || broken === undefined) throw new Error('nothing was registered')
    await worker.end()
    await query(
      tiers.databaseUrl,
      `update datasources set status = 'rejected', status_reason = 'credential_unreadable', next_check_at = null
       where id in ('${bare(marked.id)}', '${bare(broken.id)}');
       update tasks set due_at = null where datasource_id in ('${bare(marked.id)}', '${bare(broken.id)}');
       update credentials set sealed = sealed || '\\x00' where datasource_id = '${bare(broken.id)}'`,
    )
    const next = await startWorker(files.both)
    const line = await next.logged('credentials that were marked as unreadable can be opened, and are checked again')
    expect(line).toMatchObject({ count: 1 })
    await expect
      .poll(() => statusOf(mine, marked.id), { timeout: 30_000 })
      .toEqual({ status: 'active', statusReason: null })
    expect(await statusOf(mine, broken.id)).toEqual({ status: 'rejected', statusReason: 'credential_unreadable' })
  })
})
