/** The memory of the web process, byte by byte, after credentials have passed through it. */
import { Buffer } from 'node:buffer'
import sodium from 'libsodium-wrappers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inUse } from '#server/seal/keyring.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { collectGarbage } from '#test/support/operations/inspector.ts'
import { type Needles, searchMemory } from '#test/support/operations/process-memory.ts'

const PASSWORD = 'Never-in-this-process_7f3a91'
const PLAIN_PASSWORD = 'Passing-through-in-clear_c208e5'

let tiers: Tiers
let web: TierProcess
let customer: Customer
let passing: Customer
beforeAll(async () => {
  tiers = await makeTiers()
  ;[customer, passing] = [await makeCustomer(PASSWORD), await makeCustomer(PLAIN_PASSWORD)]
  ;[web] = await Promise.all([tiers.start('web', { flags: ['--inspect=127.0.0.1:0'] }), tiers.start('worker')])
})
afterAll(async () => {
  await tiers.stop()
  await Promise.all([customer.drop(), passing.drop()])
})

/** A secret in every form that memory may hold: its bytes, and as text in each encoding that a string can have. */
function forms(name: string, secret: Uint8Array): Needles {
  const base64 = Buffer.from(secret).toString('base64').replace(/=*$/, '').slice(0, -1)
  return {
    [`${name}, raw`]: secret,
    [`${name}, base64`]: Buffer.from(base64, 'latin1'),
    [`${name}, base64 in UTF-16`]: Buffer.from(base64, 'utf16le'),
  }
}

function passwordForms(password: string): Needles {
  return { 'password, UTF-8': Buffer.from(password), 'password, UTF-16': Buffer.from(password, 'utf16le') }
}

/** Every secret that the web tier must not have: the master's, the worker's, each organization's. */
async function forbidden(): Promise<Needles> {
  await sodium.ready
  const ring = await tiers.keyring()
  const master = inUse(ring.master)
  const rows = await query(tiers.databaseUrl, 'select org_id, id from organization_keys')
  const keys = await Promise.all(
    rows.map(async (row, at) => {
      const key = await sealed.organizationKey(tiers.db, String(row['org_id']), String(row['id']))
      const plain = sodium.crypto_box_seal_open(key?.secret ?? new Uint8Array(), master.public, master.secret)
      return forms(`organization key ${at}`, Buffer.from(JSON.parse(Buffer.from(plain).toString()).secret, 'base64'))
    }),
  )
  return Object.assign(
    {
      ...forms("the master's secret", master.secret),
      ...forms("the worker's signing key", inUse(ring.signing).secret),
    },
    ...keys,
  )
}

const isFound = (found: Record<string, number>) => Object.entries(found).filter(([, times]) => times > 0)

describe.skipIf(process.platform !== 'linux')('The memory of the web process (where there is /proc)', () => {
  it('holds neither the password nor a key that opens it, after a client-sealed registration and 100 reads', async () => {
    const client = await tiers.client(web)
    const made = await client.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    expect(made.status).toBe('active')
    for (let read = 0; read < 10; read += 1)
      await Promise.all(Array.from({ length: 10 }, () => client.datasources.get.query({ id: made.id })))
    const found = await searchMemory(web.pid, { ...passwordForms(PASSWORD), ...(await forbidden()) })
    expect(isFound(found)).toEqual([])
  })

  it('is really searched: the search finds the keys that the web tier has', async () => {
    const ring = await tiers.keyring()
    const has = { ...forms('pepper', inUse(ring.pepper).secret), ...forms('master, public', inUse(ring.master).public) }
    const found = await searchMemory(web.pid, has)
    expect(isFound(found).map(([name]) => name)).toEqual(expect.arrayContaining(['pepper, raw', 'master, public, raw']))
  })

  it('returns the memory of its start: its room for young objects is as small as before', async () => {
    const started = await tiers.start('web', { flags: ['--expose-gc'], env: { MOORING_HEALTH_PORT: '0' } })
    const { healthPort } = await started.logged('web is listening')
    const metrics = await (await fetch(`http://127.0.0.1:${String(healthPort)}/metrics`)).text()
    const young = /^nodejs_heap_space_size_total_bytes\{[^}]*space="new"[^}]*\} (\d+)$/m.exec(metrics)?.[1]
    // V8 begins with two halves of 1 MiB; a start alone lets them grow to 16 MiB or more.
    expect(Number(young)).toBeLessThanOrEqual(4 << 20)
    await started.end()
  })

  it('still holds no key after a plain registration; copies of the password after a garbage collection are counted', async () => {
    const client = await tiers.client(web, { seal: false })
    const made = await client.datasources.register.mutate({ connectionString: passing.url(), waitSeconds: 20 })
    expect(made.status).toBe('active')
    const before = await searchMemory(web.pid, passwordForms(PLAIN_PASSWORD))
    await collectGarbage(web.stderr())
    const after = await searchMemory(web.pid, { ...passwordForms(PLAIN_PASSWORD), ...(await forbidden()) })
    const { 'password, UTF-8': left = 0, 'password, UTF-16': wide = 0, ...secrets } = after
    expect(isFound(secrets)).toEqual([])
    // JavaScript cannot promise zero: strings and buffers are freed, not wiped. Client-side sealing exists for that
    // reason.
    process.stdout.write(
      `plain registration: ${before['password, UTF-8']} copies of the password before a collection, ${left + wide} after\n`,
    )
    expect(left + wide).toBeLessThanOrEqual((before['password, UTF-8'] ?? 0) + (before['password, UTF-16'] ?? 0))
  })
})
