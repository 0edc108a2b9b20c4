/**
 * A5: a captured web tier hands out leases of its own, or genuine ones of another kind, and no platform worker
 * connects.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import sodium from 'libsodium-wrappers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Client } from '#client/index.ts'
import { type LeaseOptions, withDatasource } from '#client/node.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createKeyrings, parseWorkerKeyring } from '#server/seal/keyring.ts'
import { createLeaseSealer } from '#server/seal/leases.ts'
import type { LeasedCredential, SignedLease } from '#shared/access/lease.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { signedText } from '#shared/base/signed-text.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type HolderKey, holderKey, leaseCapability, verifyKeysOf } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

type Answer = Awaited<ReturnType<Client['datasources']['lease']['mutate']>>
type LeaseInput = Parameters<Client['datasources']['lease']['mutate']>[0]

let mooring: Mooring
let customer: Customer
let id: DatasourceId
let client: Client
/** The attacker's database: it only counts connections. */
let trap: Server
let visits = 0
beforeAll(async () => {
  await sodium.ready
  mooring = await startMooring()
  customer = await makeCustomer()
  id = await registered('own')
  client = mooring.client(await leaseCapability(mooring))
  trap = createServer(socket => {
    visits += 1
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(trap, 'listening')
})
beforeEach(() => {
  visits = 0
})
afterEach(() => expect(visits).toBe(0))
afterAll(async () => {
  trap.close()
  await mooring.stop()
  await customer.drop()
})

async function registered(name: string): Promise<DatasourceId> {
  const connectionString = customer.url('reader', { parameters: `application_name=${name}` })
  const made = await mooring.client().datasources.register.mutate({ connectionString, waitSeconds: 20 })
  expect(made.status).toBe('active')
  return made.id
}

/** A client of a web tier that answers each lease request by `answer`. */
function captured(answer: (asked: LeaseInput, ask: (asked: LeaseInput) => Promise<Answer>) => Promise<Answer>): Client {
  const lease = { mutate: (asked: LeaseInput) => answer(asked, one => client.datasources.lease.mutate(one)) }
  const datasources = new Proxy(client.datasources, {
    get: (target, name) => (name === 'lease' ? lease : Reflect.get(target, name)),
  })
  return new Proxy(client, {
    get: (target, name) => (name === 'datasources' ? datasources : Reflect.get(target, name)),
  })
}

/** Uses a datasource through it, and returns why no query ran; `used` when one did. */
async function outcome(through: Client, options: Partial<LeaseOptions> = {}): Promise<string> {
  const asked = { id, verifyKeys: verifyKeysOf(mooring), ...options }
  return withDatasource(through, asked, pool => pool.query('select 1')).then(
    () => 'used',
    (error: Error) => error.message,
  )
}

const UNSIGNED = /not signed with any of verifyKeys/

/** A lease that a web tier can forge for a database of the attacker. */
function forged(
  asked: LeaseInput,
  leasedCredential: Partial<LeasedCredential> = {},
): { text: string; beside: Omit<Answer, 'sealed'> } {
  const leaseId = `lease_${'0'.repeat(32)}` as const
  const expiresAt = new Date(Date.now() + 60_000).toISOString()
  const text = JSON.stringify({
    connectionString: `postgresql://app:pw@127.0.0.1:${portOf(trap)}/shop?sslmode=disable`,
    addresses: ['127.0.0.1'],
    datasourceId: asked.id,
    mode: 'test',
    credentialVersion: 1,
    version: 1,
    id: leaseId,
    publicKey: asked.publicKey,
    expiresAt,
    ...leasedCredential,
  })
  return { text, beside: { leaseId, expiresAt, credentialVersion: 1 } }
}

function sealTo(publicKey: string, content: unknown): string {
  const box = sodium.crypto_box_seal(
    typeof content === 'string' ? content : JSON.stringify(content),
    Buffer.from(publicKey, 'base64'),
  )
  return Buffer.from(box).toString('base64')
}

const signatureOf = (text: Uint8Array, secret: Uint8Array) =>
  Buffer.from(sodium.crypto_sign_detached(text, secret)).toString('base64')

describe('A captured web tier that seals a lease of its own', () => {
  const leaseKeyOf = () => mooring.keyring.lease[0] ?? raise('no lease key')

  it.each<[string, (text: string, asked: LeaseInput) => unknown]>([
    ['without any signature, as leases were before', text => text],
    ['with an empty list of signatures', text => ({ lease: text, signatures: [] })],
    [
      'with a signature by a key of its own, under the name of the genuine one',
      text => {
        const own = sodium.crypto_sign_keypair()
        const signature = signatureOf(signedText('lease', [text]), own.privateKey)
        return { lease: text, signatures: [{ keyId: leaseKeyOf().id, signature }] }
      },
    ],
    [
      "with the worker's signing key in place of the lease key",
      text => {
        const [signing] = mooring.keyring.signing
        const signature = signatureOf(signedText('lease', [text]), signing?.secret ?? raise('no key'))
        return { lease: text, signatures: [{ keyId: leaseKeyOf().id, signature }] }
      },
    ],
    [
      'with a signature of the lease key over another purpose',
      text => {
        const signature = signatureOf(signedText('verdict' as 'task', [text]), leaseKeyOf().secret)
        return { lease: text, signatures: [{ keyId: leaseKeyOf().id, signature }] }
      },
    ],
    [
      'with a signature over the text without its frame',
      text => ({
        lease: text,
        signatures: [{ keyId: leaseKeyOf().id, signature: signatureOf(Buffer.from(text), leaseKeyOf().secret) }],
      }),
    ],
    [
      'with signatures that are no signatures',
      text => ({ lease: text, signatures: [{ keyId: 'x', signature: 'AA==' }] }),
    ],
    ['that is no JSON', () => '{"lease":'],
  ])('%s leads to no connection', async (_what, contentOf) => {
    const through = captured(async asked => {
      const { text, beside } = forged(asked)
      return { ...beside, sealed: sealTo(asked.publicKey, contentOf(text, asked)) }
    })
    expect(await outcome(through)).toMatch(UNSIGNED)
  })

  it('with a genuine signature beside another text leads to no connection', async () => {
    const through = captured(async (asked, ask) => {
      const own = await holderKey()
      const genuine = await ask({ ...asked, publicKey: own.publicKey })
      const { text, beside } = forged(asked)
      const { signatures } = own.envelope(genuine.sealed)
      return { ...beside, sealed: sealTo(asked.publicKey, { lease: text, signatures } satisfies SignedLease) }
    })
    expect(await outcome(through)).toMatch(UNSIGNED)
  })
})

describe('A captured web tier that forwards a genuine lease of another kind', () => {
  /** Requests a lease from the worker that it can open, and seals it, with the signatures, to the holder. */
  const passedOn = (other: (asked: LeaseInput, own: HolderKey) => Promise<Answer>, beside: Partial<Answer> = {}) =>
    captured(async asked => {
      const own = await holderKey()
      const genuine = await other(asked, own)
      return { ...genuine, ...beside, sealed: sealTo(asked.publicKey, own.envelope(genuine.sealed)) }
    })
  const lease = (leaseInput: LeaseInput) => client.datasources.lease.mutate(leaseInput)

  it('is refused for another datasource', async () => {
    const other = await registered('other')
    const through = passedOn((_asked, { publicKey }) => lease({ id: other, publicKey, ttlSeconds: 60 }))
    expect(await outcome(through)).toBe('The lease is for another datasource')
  })

  it('is refused for another holder: a lease cannot be stored and sealed again', async () => {
    const through = passedOn((asked, { publicKey }) => lease({ ...asked, publicKey }))
    expect(await outcome(through)).toBe('The lease is for another holder')
  })

  it.each<[string, Partial<Answer>, RegExp]>([
    ['under another id', { leaseId: `lease_${'1'.repeat(32)}` }, /not the one named in the answer/],
    ['under a newer version than it has', { credentialVersion: 7 }, /another version than the answer says/],
  ])('is refused %s', async (_what, beside, says) => {
    const through = captured(async (asked, ask) => ({ ...(await ask(asked)), ...beside }))
    expect(await outcome(through)).toMatch(says)
  })

  it('is refused when the unsigned expiry differs: the signed one counts', async () => {
    const through = captured(async (asked, ask) => {
      const granted = await ask({ ...asked, ttlSeconds: 1 })
      return { ...granted, expiresAt: new Date(Date.now() + 3_600_000).toISOString() }
    })
    const late = await withDatasource(through, { id, verifyKeys: verifyKeysOf(mooring), ttlSeconds: 1 }, async pool => {
      await query(mooring.databaseUrl, 'update capabilities set revoked_at = now() where revoked_at is null')
      await new Promise(resolve => setTimeout(resolve, 1_200))
      return pool.query('select 1').catch((error: Error) => error.message)
    })
    expect(late).toBe('the lease has ended')
    client = mooring.client(await leaseCapability(mooring))
  })
})

describe('A lease that the lease key has signed', () => {
  /** Signs as a worker does, over content of the test's choice. */
  const signedAs = (leasedCredential: Partial<LeasedCredential>) =>
    captured(async asked => {
      const { text, beside } = forged(asked, leasedCredential)
      const sealer = await createLeaseSealer(mooring.keyring)
      const sealed = sealer.sealLease(Buffer.from(asked.publicKey, 'base64'), JSON.parse(text)).toString('base64')
      return { ...beside, sealed }
    })

  it.each<[string, Partial<LeasedCredential>, RegExp]>([
    ['has expired', { expiresAt: new Date(Date.now() - 1_000).toISOString() }, /is already expired/],
    ['is good for longer than was asked', { expiresAt: new Date(Date.now() + 4_000_000).toISOString() }, /for longer/],
    ['is of the other mode', { mode: 'live' }, /other mode/],
    ['names no address', { addresses: [] }, /cannot be read/],
    ['names a host in place of an address', { addresses: ['localhost' as '127.0.0.1'] }, /cannot be read/],
  ])('is refused when it %s', async (_what, fields, says) => {
    expect(await outcome(signedAs(fields), { ttlSeconds: 60 })).toMatch(says)
  })
})

describe('The verify keys', () => {
  it('are required: without any, no lease is requested', async () => {
    const asked: LeaseInput[] = []
    const through = captured(async (one, ask) => {
      asked.push(one)
      return ask(one)
    })
    expect(await outcome(through, { verifyKeys: [] })).toMatch(/verifyKeys or MOORING_LEASE_KEYS.*lease-key show/)
    const bare = await withDatasource(through, id, pool => pool.query('select 1')).catch(
      (error: Error) => error.message,
    )
    expect(bare).toMatch(/verifyKeys or MOORING_LEASE_KEYS/)
    expect(await outcome(through, { verifyKeys: ['c2hvcnQ='] })).toMatch(/base64 of 32 bytes/)
    expect(asked).toEqual([])
  })

  it('of another installation accept no lease of this one', async () => {
    const other = parseWorkerKeyring((await createKeyrings(newKeyId)).worker)
    expect(await outcome(client, { verifyKeys: verifyKeysOf({ keyring: other }) })).toMatch(UNSIGNED)
    // One matching signature suffices.
    const both = [...verifyKeysOf({ keyring: other }), ...verifyKeysOf(mooring)]
    expect(await outcome(client, { verifyKeys: both })).toBe('used')
    // The refused lease is returned as well.
    const newest = 'select ended_by from leases order by granted_at desc limit 2'
    expect(await query(mooring.databaseUrl, newest)).toEqual([{ ended_by: 'released' }, { ended_by: 'released' }])
  })

  it('default to MOORING_LEASE_KEYS', async () => {
    process.env['MOORING_LEASE_KEYS'] = verifyKeysOf(mooring).join(',')
    try {
      const { rows } = await withDatasource(client, id, pool => pool.query('select 1 as one'))
      expect(rows).toEqual([{ one: 1 }])
    } finally {
      delete process.env['MOORING_LEASE_KEYS']
    }
  })
})

function raise(message: string): never {
  throw new Error(message)
}
