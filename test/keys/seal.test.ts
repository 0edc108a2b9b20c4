/** Seals: a box opens to its exact content for the row that it was made for, and for no other. */
import { randomBytes } from 'node:crypto'
import sodium from 'libsodium-wrappers'
import { beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import type { CredentialContext, SealedBox, Secret, WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createFingerprinter, type Fingerprinter } from '#server/seal/fingerprinter.ts'
import { SealBroken } from '#server/seal/held-key.ts'
import { createKeyrings, parseWebKeyring, parseWorkerKeyring } from '#server/seal/keyring.ts'
import { createSealer, type Sealer, type VerifiedKey } from '#server/seal/sealer.ts'
import { pooledSodium, pooledWords } from '#server/seal/sodium.ts'
import { createUnsealer, type Unsealer } from '#server/seal/unsealer.ts'

const secret: Secret = { kind: 'endpoint', url: 'https://api.acme.io/feed', signingKey: 'Tell-N0-one' }

/** The keys of one installation's web tier and worker. */
interface Pair {
  readonly web: Sealer
  readonly worker: Sealer
  readonly unsealer: Unsealer
  readonly fingerprinter: Fingerprinter
}

async function newPair(): Promise<Pair> {
  const texts = await createKeyrings(newKeyId)
  const worker = parseWorkerKeyring(texts.worker)
  return {
    web: await createSealer(parseWebKeyring(texts.web)),
    worker: await createSealer(worker),
    unsealer: await createUnsealer(worker),
    fingerprinter: await createFingerprinter(worker),
  }
}

function newKey(unsealer: Unsealer, organizationId = newId()): WrappedOrganizationKey {
  const id = newId()
  return { organizationId, id, retiredAt: null, ...unsealer.createOrganizationKey(organizationId, id) }
}

function verified(sealer: Sealer, row: WrappedOrganizationKey): VerifiedKey {
  const key = sealer.verifyKey(row)
  if (key === null) throw new Error('the signature of the key does not verify')
  return key
}

let pair: Pair
let key: WrappedOrganizationKey
let context: CredentialContext
let sealed: SealedBox
beforeAll(async () => {
  pair = await newPair()
  key = newKey(pair.unsealer)
  context = { organizationId: key.organizationId, datasourceId: newId(), version: 1 }
  sealed = pair.web.sealCredential(verified(pair.web, key), context, secret)
})

const open = (over: Partial<{ key: WrappedOrganizationKey; context: CredentialContext; sealed: SealedBox }> = {}) =>
  pair.unsealer.openCredential(over.key ?? key, over.context ?? context, over.sealed ?? sealed)

/** The same bytes with one bit flipped. */
function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

describe('A sealed credential', () => {
  it('opens for the row that it was made for, sealed by the web tier or resealed by the worker', () => {
    expect(open()).toEqual(secret)
    const anew = pair.worker.sealCredential(verified(pair.worker, key), context, secret)
    expect(open({ sealed: anew })).toEqual(secret)
  })

  it('reveals nothing of its content, and is a different box every time', () => {
    const again = pair.web.sealCredential(verified(pair.web, key), context, secret)
    expect(again.box.equals(sealed.box)).toBe(false)
    for (const word of ['Tell-N0-one', 'acme', context.datasourceId]) expect(sealed.box.includes(word)).toBe(false)
  })

  it('is refused with any single bit of its box or signature flipped', () => {
    for (let bit = 0; bit < sealed.box.length * 8; bit += 1)
      expect(() => open({ sealed: { ...sealed, box: flipped(sealed.box, bit) } }), `bit ${bit}`).toThrow(SealBroken)
    for (let bit = 0; bit < sealed.signature.length * 8; bit += 1)
      expect(() => open({ sealed: { ...sealed, signature: flipped(sealed.signature, bit) } }), `bit ${bit}`).toThrow(
        SealBroken,
      )
  })

  it('is refused at every length but its own', () => {
    for (let length = 0; length < sealed.box.length; length += 1)
      expect(() => open({ sealed: { ...sealed, box: sealed.box.subarray(0, length) } })).toThrow(SealBroken)
    for (const signature of [
      Buffer.alloc(0),
      sealed.signature.subarray(1),
      Buffer.concat([sealed.signature, Buffer.alloc(1)]),
    ])
      expect(() => open({ sealed: { ...sealed, signature } })).toThrow(SealBroken)
  })

  it.each<[string, () => Partial<CredentialContext>]>([
    ['another organization', () => ({ organizationId: newId() })],
    ['another datasource', () => ({ datasourceId: newId() })],
    ['another version', () => ({ version: 2 })],
  ])('is refused under %s', (_, change) => {
    expect(() => open({ context: { ...context, ...change() } })).toThrow(SealBroken)
  })

  it('is refused under another key of the same organization, and with another key’s box under its own signature', () => {
    const other = newKey(pair.unsealer, key.organizationId)
    expect(() => open({ key: other })).toThrow(SealBroken)
    expect(() => open({ key: other, sealed: { ...sealed, keyId: other.id } })).toThrow(SealBroken)
    const elsewhere = pair.web.sealCredential(verified(pair.web, other), context, secret)
    expect(() => open({ sealed: { ...elsewhere, signature: sealed.signature } })).toThrow(SealBroken)
  })

  it('is refused from a signer unknown to the worker, even if sealed to the right key', async () => {
    const stranger = await newPair()
    const forged = stranger.web.sealCredential({ ...verified(pair.web, key) }, context, secret)
    expect(() => open({ sealed: forged })).toThrow(SealBroken)
    expect(() => open({ sealed: { ...forged, signerId: sealed.signerId } })).toThrow(SealBroken)
  })

  it('is refused as a task’s payload, and a payload as a credential', () => {
    const task = { organizationId: key.organizationId, taskId: context.datasourceId }
    const payload = pair.web.sealTask(verified(pair.web, key), task, { secret })
    expect(pair.unsealer.openTask(key, task, payload)).toEqual({ secret })
    expect(() => open({ sealed: payload })).toThrow(SealBroken)
    expect(() => pair.unsealer.openTask(key, task, sealed)).toThrow(SealBroken)
    expect(() => pair.unsealer.openTask(key, { ...task, taskId: newId() }, payload)).toThrow(SealBroken)
  })

  it('cannot be made to another organization’s key', () => {
    const other = verified(pair.web, newKey(pair.unsealer))
    expect(() => pair.web.sealCredential(other, context, secret)).toThrow('another organization')
  })
})

describe('An organization’s key', () => {
  it('is used for sealing only if the worker’s key signed its current row', () => {
    expect(pair.web.verifyKey(key)).toMatchObject({ id: key.id })
    const own = Buffer.from(sodium.crypto_box_keypair().publicKey)
    const changes: Partial<WrappedOrganizationKey>[] = [
      { publicKey: own },
      { organizationId: newId() },
      { id: newId() },
      { retiredAt: new Date() },
      { signerId: sealed.signerId },
      { signature: randomBytes(64) },
      { signature: Buffer.alloc(0) },
      { publicKey: Buffer.alloc(31) },
    ]
    for (const change of changes)
      expect(pair.web.verifyKey({ ...key, ...change }), Object.keys(change).join()).toBeNull()
  })

  it('planted by a table writer who signs it with the web tier’s key is not used for sealing', async () => {
    const texts = await createKeyrings(newKeyId)
    const web = parseWebKeyring(texts.web)
    const own = sodium.crypto_box_keypair()
    const worker = parseWorkerKeyring(texts.worker)
    // The web tier's own signing key in the worker's place: what an attacker who has taken the web tier over could
    // sign.
    const taken = await createUnsealer({ ...worker, signing: web.signing })
    const planted = { ...newKey(taken), publicKey: Buffer.from(own.publicKey) }
    const sealer = await createSealer(web)
    expect(sealer.verifyKey(planted)).toBeNull()
    expect(sealer.verifyKey(newKey(taken))).toBeNull()
  })

  it('is not unwrapped when its row or its secret was changed, or under another master key', async () => {
    const other = newKey(pair.unsealer, key.organizationId)
    const stranger = await newPair()
    for (const changed of [
      { ...key, secret: other.secret },
      { ...key, publicKey: other.publicKey },
      { ...key, masterKeyId: 'master-none' },
      { ...key, secret: flipped(key.secret, 99) },
      { ...key, retiredAt: new Date() },
    ])
      expect(() => open({ key: changed })).toThrow(SealBroken)
    expect(() => stranger.unsealer.openCredential(key, context, sealed)).toThrow(SealBroken)
  })
})

describe('A fingerprint', () => {
  it('shows equality within an organization, and nothing across them or without the key', async () => {
    const [one, two] = [newId(), newId()]
    const { fingerprinter } = pair
    const { keyId, text } = fingerprinter.of(one, 'a')
    expect(fingerprinter.of(one, 'a')).toEqual({ keyId, text })
    const other = (await newPair()).fingerprinter.of(one, 'a')
    const others = [fingerprinter.of(one, 'b').text, fingerprinter.of(two, 'a').text, other.text]
    expect(others).not.toContain(text)
    expect(other.keyId).not.toBe(keyId)
    expect(text).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('The pooled generator', () => {
  it('serves libsodium word by word for a seal', async () => {
    const ready = await pooledSodium()
    const inner = Reflect.get(ready, 'libsodium')
    const pooled = Reflect.get(inner, 'getRandomValue')
    let words = 0
    Reflect.set(inner, 'getRandomValue', () => {
      words += 1
      return pooled()
    })
    pair.web.sealCredential(verified(pair.web, key), context, secret)
    Reflect.set(inner, 'getRandomValue', pooled)
    // At least the 32 bytes of an ephemeral secret key.
    expect(words).toBeGreaterThanOrEqual(8)
  })

  it('returns no word twice, over many refills of its pool', () => {
    const next = pooledWords()
    const words = Array.from({ length: 4_096 }, next)
    expect(words.every(word => Number.isInteger(word) && word >= 0 && word <= 0xffffffff)).toBe(true)
    // Two equal ones among 4,096 of 2^32 come up once in 500 runs; three pairs never.
    expect(new Set(words).size).toBeGreaterThan(4_093)
    const [a, b] = [pooledWords(), pooledWords()]
    expect(Array.from({ length: 8 }, a)).not.toEqual(Array.from({ length: 8 }, b))
  })
})
