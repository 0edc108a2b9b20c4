/** SIGHUP: running processes load the current keyring without a failed request or check. */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Client, createClient } from '#client/index.ts'
import { createLog } from '#server/log.ts'
import { onHangup } from '#server/process/keyring-source.ts'
import { openDb } from '#server/store/database/db.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { operator } from '#test/support/mooring/operator.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

// Each test starts several processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

type Role = 'web' | 'worker'
const LISTENING = /"port":(\d+),"msg":"web/
const TAKEN = /"msg":"keyring read again"/
const KEPT = /"level":50,.*"msg":"the keyring could not be read again; the old one stays"/

let installation: Installation
let customer: Customer
const running: Running[] = []
beforeAll(async () => {
  customer = await makeCustomer()
})
beforeEach(async () => {
  installation = await prepareInstallation()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(one => one.stop('SIGKILL')))
  await installation.remove()
})
afterAll(() => customer.drop())

const sql = (text: string) => query(installation.databaseUrl, text)
const fileOf = (role: Role) => join(installation.keyrings, `${role}.json`)

function start(entry: Role | 'main'): Running {
  const one = startEntry(entry, installation.env(entry === 'main' ? 'both' : entry))
  running.push(one)
  return one
}

async function startBoth(): Promise<{ both: Running[]; url: string }> {
  const [web, worker] = [start('web'), start('worker')]
  const [, port] = await web.line(LISTENING)
  await worker.line(/worker is running/)
  return { both: [web, worker], url: `http://127.0.0.1:${port}` }
}

const client = (url: string, seal: boolean) => createClient({ url, key: installation.testKey, seal, retries: 0 })

/** Runs `keyring …` as an operator does. */
async function keyring(step: string): Promise<string> {
  const one = startEntry('cli', installation.env('both'), ['keyring', step])
  expect(await one.ended).toBe(0)
  return one.err()
}

/** The next step of the rotation of the signing keys: the same command, in this process. */
async function rotateSigning(): Promise<void> {
  const { databaseUrl, keyrings: keyringDir } = installation
  const db = openDb({ url: databaseUrl, size: 1, onError: () => undefined })
  await operator({ db, databaseUrl, keyringDir })('keyring', 'rotate-signing').finally(() => db.destroy())
}

/** Sends SIGHUP and waits until each process has logged its result; returns those lines. */
function hangUp(processes: readonly Running[], outcome: RegExp): Promise<string[]> {
  return Promise.all(
    processes.map(async one => {
      const before = one.out.filter(line => outcome.test(line)).length
      one.child.kill('SIGHUP')
      return (await one.line(outcome, before + 1)).input
    }),
  )
}

/** The ids of the keys in use. */
async function inUse(role: Role): Promise<Record<'master' | 'signing' | 'pepper', string>> {
  const ring = JSON.parse(await readFile(fileOf(role), 'utf8'))
  const idOf = (kind: string): string => ring[kind].find((key: { announced?: true }) => key.announced !== true).id
  return { master: idOf('master'), signing: idOf('signing'), pepper: idOf('pepper') }
}

/** Registers a database and waits until it is verified; returns the signer of the stored credential. */
async function signerOf(through: Client, name: string): Promise<string> {
  const connectionString = customer.url('reader', { parameters: `application_name=${name}` })
  const made = await through.datasources.register.mutate({ connectionString, waitSeconds: 30 })
  expect(made).toMatchObject({ status: 'active', statusReason: null })
  const [row] = await sql(`select signer_id from credentials where datasource_id = '${bareUuid(made.id)}'`)
  return String(row?.['signer_id'])
}

describe('On SIGHUP', () => {
  it('web and worker continue with new keys, step by step, and boxes of the old ones stay valid', async () => {
    const { both, url } = await startBoth()
    const [plain, sealing] = [client(url, false), client(url, true)]
    const old = { web: await inUse('web'), worker: await inUse('worker') }
    const first = await plain.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 30 })
    for (const kind of ['master', 'signing', 'pepper'])
      expect(await keyring(`rotate-${kind}`)).toContain('Announced. Send SIGHUP')
    await hangUp(both, TAKEN)
    for (const kind of ['master', 'signing', 'pepper'])
      expect(await keyring(`rotate-${kind}`)).toContain('In use. Send SIGHUP')
    expect(await signerOf(plain, 'between')).toBe(old.web.signing)

    await hangUp(both, TAKEN)
    const now = { web: await inUse('web'), worker: await inUse('worker') }
    expect(now.web.signing).not.toBe(old.web.signing)
    expect(await signerOf(plain, 'after')).toBe(now.web.signing)
    // The worker reseals and signs the caller's box.
    expect(await signerOf(sealing, 'sealed')).toBe(now.worker.signing)
    expect(await sql('select distinct master_key_id, signer_id from organization_keys')).toEqual([
      { master_key_id: now.worker.master, signer_id: now.worker.signing },
    ])
    await plain.organization.createKey.mutate({ mode: 'test' })
    expect(await sql('select pepper_id from api_keys order by created_at')).toEqual([
      { pepper_id: old.web.pepper },
      { pepper_id: now.web.pepper },
    ])
    const again = await plain.datasources.verify.mutate({ id: first.id, waitSeconds: 30 })
    expect(again).toMatchObject({ status: 'active', statusReason: null })
    for (const one of both) expect([one.out.filter(line => line.includes('"level":50')), one.err()]).toEqual([[], ''])
  })

  it('an unreadable keyring changes nothing: the log reports why, the old one stays in use, a repaired one is loaded', async () => {
    const { both, url } = await startBoth()
    const through = client(url, false)
    const old = await inUse('web')
    await rotateSigning()
    await hangUp(both, TAKEN)
    await rotateSigning()
    const texts = { web: await readFile(fileOf('web'), 'utf8'), worker: await readFile(fileOf('worker'), 'utf8') }
    const each = (work: (role: Role) => Promise<unknown>) => Promise.all([work('web'), work('worker')])
    const breakages: [RegExp, (role: Role) => Promise<unknown>][] = [
      [/Run: chmod 600/, role => chmod(fileOf(role), 0o644)],
      [/not valid JSON/, role => writeFile(fileOf(role), texts[role].slice(0, 400))],
      [/invalid \(role/, role => writeFile(fileOf(role), texts[role === 'web' ? 'worker' : 'web'])],
      [/There is no keyring/, role => rm(fileOf(role))],
    ]
    for (const [message, broken] of breakages) {
      await each(broken)
      for (const line of await hangUp(both, KEPT)) expect(JSON.parse(line).reason).toMatch(message)
      await each(role => writeFile(fileOf(role), texts[role], { mode: 0o600 }).then(() => chmod(fileOf(role), 0o600)))
    }
    expect(await signerOf(through, 'meanwhile')).toBe(old.signing)
    expect(both.map(one => one.child.exitCode)).toEqual([null, null])
    const secrets = [
      ...Object.values(texts)
        .join()
        .matchAll(/"secret": "([^"]+)"/g),
    ].map(found => found[1] ?? '')
    for (const secret of secrets) expect(both.flatMap(one => one.out).join()).not.toContain(secret.slice(0, 12))

    await hangUp(both, TAKEN)
    const { signing } = await inUse('web')
    expect(signing).not.toBe(old.signing)
    expect(await signerOf(through, 'mended')).toBe(signing)
  })

  it('a process with both tiers loads both keyrings or neither', async () => {
    const main = start('main')
    const through = client(`http://127.0.0.1:${(await main.line(LISTENING))[1]}`, true)
    const old = await inUse('worker')
    await rotateSigning()
    await hangUp([main], TAKEN)
    await rotateSigning()
    await chmod(fileOf('web'), 0o644)
    await hangUp([main], KEPT)
    expect(await signerOf(through, 'neither')).toBe(old.signing)
    await chmod(fileOf('web'), 0o600)
    await hangUp([main], TAKEN)
    expect(await signerOf(through, 'both')).toBe((await inUse('worker')).signing)
  })

  it('twice in a row, the keyring is read one time after the other, so that the later one stays', async () => {
    const seen: string[] = []
    const reads = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const begun = reads.map(() => Promise.withResolvers<void>())
    using _ = onHangup(createLog({ level: 'silent' }), async () => {
      const at = seen.filter(line => line.startsWith('begun')).length
      seen.push(`begun ${at}`)
      begun[at]?.resolve()
      await reads[at]?.promise
      seen.push(`read ${at}`)
    })
    process.emit('SIGHUP')
    process.emit('SIGHUP')
    await begun[0]?.promise
    reads[1]?.resolve()
    reads[0]?.resolve()
    await begun[1]?.promise
    await expect.poll(() => seen).toEqual(['begun 0', 'read 0', 'begun 1', 'read 1'])
  })
})
