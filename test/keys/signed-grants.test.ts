/** Signatures of the worker: a verdict, a lease's grant and a lease are good exactly as they were signed. */
import sodium from 'libsodium-wrappers'
import { beforeAll, describe, expect, it } from 'vitest'
import type { VerdictContent } from '#server/domain/datasources/verdict.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createKeyrings, parseWorkerKeyring, type WorkerKeyring } from '#server/seal/keyring.ts'
import { announce, parseKeyrings, printKeyrings, use } from '#server/seal/keyring-rotation.ts'
import {
  createLeaseSealer,
  type LeaseSealer,
  leaseVerifyKeys,
  newLeaseKey,
  type SignedGrant,
} from '#server/seal/leases.ts'
import { createVerdictSigner, type VerdictSigner, verdictText } from '#server/seal/verdicts.ts'
import { leaseBytes } from '#shared/base/signed-text.ts'

const VERDICT: VerdictContent = {
  organizationId: 'one',
  datasourceId: 'shop',
  mode: 'live',
  version: 3,
  status: 'active',
  usable: true,
  usableUntil: new Date('2026-05-01T08:00:00.000Z'),
}
const GRANT: SignedGrant = {
  organizationId: 'one',
  capabilityId: 'cap',
  hash: Buffer.alloc(32, 7),
  mode: 'live',
  operations: ['datasources.lease'],
  datasourceIds: ['shop'],
  expiresAt: new Date('2026-05-01T08:00:00.000Z'),
}

let first: WorkerKeyring
let announced: WorkerKeyring
let second: WorkerKeyring
let verdicts: VerdictSigner
let leases: LeaseSealer
beforeAll(async () => {
  const rings = parseKeyrings(await createKeyrings(newKeyId))
  const more = await announce(await announce(rings, 'signing', newKeyId), 'lease', newKeyId)
  first = parseWorkerKeyring(printKeyrings(rings).worker)
  announced = parseWorkerKeyring(printKeyrings(more).worker)
  second = parseWorkerKeyring(printKeyrings(use(more, 'signing', new Date())).worker)
  verdicts = await createVerdictSigner(announced)
  leases = await createLeaseSealer(announced)
})

/** Both signers with what they sign, told alike. */
const KINDS = {
  verdict: {
    sign: (verdictSigner?: VerdictSigner) => (verdictSigner ?? verdicts).sign(VERDICT),
    isSigned: (over: object, by: { signerId: string; signature: Buffer }, verdictSigner?: VerdictSigner) =>
      (verdictSigner ?? verdicts).isSigned({ ...VERDICT, ...over }, by),
    edits: [
      { organizationId: 'two' },
      { datasourceId: 'stock' },
      { mode: 'test' as const },
      { version: 4 },
      { status: 'rejected' as const },
      { usable: false },
      { usableUntil: new Date('2026-05-01T08:00:00.001Z') },
      { usableUntil: null },
    ],
    signers: createVerdictSigner as (keyring: WorkerKeyring) => Promise<never>,
  },
  grant: {
    sign: (leaseSealer?: LeaseSealer) => (leaseSealer ?? leases).sign(GRANT),
    isSigned: (over: object, by: { signerId: string; signature: Buffer }, leaseSealer?: LeaseSealer) =>
      (leaseSealer ?? leases).isSigned({ ...GRANT, ...over }, by),
    edits: [
      { organizationId: 'two' },
      { capabilityId: 'pac' },
      { hash: Buffer.alloc(32, 8) },
      { mode: 'test' },
      { operations: ['datasources.lease', 'datasources.read'] },
      { operations: [] },
      { datasourceIds: ['shop', 'stock'] },
      { datasourceIds: null },
      { expiresAt: new Date('2026-05-01T08:00:00.001Z') },
    ],
    signers: createLeaseSealer as (keyring: WorkerKeyring) => Promise<never>,
  },
}

describe.each(['verdict', 'grant'] as const)('A signed %s', kind => {
  const { sign, isSigned, edits, signers } = KINDS[kind]

  it('is good as it was signed, under the key in use, and under no edit of it', () => {
    const by = sign()
    expect(by.signerId).toBe(first.signing[0]?.id)
    expect(by.signature).toHaveLength(64)
    expect(isSigned({}, by)).toBe(true)
    for (const edit of edits) expect(isSigned(edit, by), JSON.stringify(edit)).toBe(false)
  })

  it('is not good with another signature, one of another length, or one of a key that nobody knows', async () => {
    const by = sign()
    const altered = Buffer.from(by.signature)
    altered[5] = (altered[5] ?? 0) ^ 1
    expect(isSigned({}, { ...by, signature: altered })).toBe(false)
    expect(isSigned({}, { ...by, signature: by.signature.subarray(1) })).toBe(false)
    expect(isSigned({}, { ...by, signature: Buffer.alloc(0) })).toBe(false)
    expect(isSigned({}, { ...by, signerId: announced.signing[0]?.id ?? '' })).toBe(false)
    const stranger = await signers(parseWorkerKeyring((await createKeyrings(newKeyId)).worker))
    expect(isSigned({}, sign(stranger))).toBe(false)
    expect(isSigned({}, by, stranger)).toBe(false)
  })

  it('stays good after its key was followed by another, which then signs', async () => {
    const by = sign()
    const later = await signers(second)
    expect(isSigned({}, by, later)).toBe(true)
    expect(sign(later).signerId).toBe(second.signing[0]?.id)
    expect(second.signing[0]?.id).not.toBe(by.signerId)
  })
})

describe('A signer', () => {
  it('knows the keys of its keyring alone, those of another one after it has been read again', async () => {
    for (const signer of [await createVerdictSigner(first), await createLeaseSealer(first)]) {
      const [old = '', young = ''] = [first.signing[0]?.id, second.signing[0]?.id]
      expect([signer.knows(old), signer.knows(young), signer.knows('')]).toEqual([true, false, false])
      signer.reload(second)
      expect([signer.knows(old), signer.knows(young)]).toEqual([true, true])
    }
  })

  it('of verdicts names the key that signs', async () => {
    const signer = await createVerdictSigner(announced)
    expect(signer.signerId()).toBe(first.signing[0]?.id)
    signer.reload(second)
    expect(signer.signerId()).toBe(second.signing[0]?.id)
  })
})

describe('A lease', () => {
  it('opens with the one-time key alone, and every lease key has signed what is in it', async () => {
    const holder = sodium.crypto_box_keypair()
    const box = leases.sealLease(holder.publicKey, { host: 'db.acme.io', port: 5432 })
    const plain = sodium.crypto_box_seal_open(box, holder.publicKey, holder.privateKey)
    const { lease, signatures } = JSON.parse(Buffer.from(plain).toString('utf8'))
    expect(JSON.parse(lease)).toEqual({ host: 'db.acme.io', port: 5432 })
    expect(signatures.map(({ keyId }: { keyId: string }) => keyId)).toEqual(announced.lease.map(key => key.id))
    expect(signatures).toHaveLength(2)
    for (const [at, { signature }] of signatures.entries()) {
      const key = announced.lease[at]?.public ?? Buffer.alloc(0)
      expect(sodium.crypto_sign_verify_detached(Buffer.from(signature, 'base64'), leaseBytes(lease), key)).toBe(true)
    }
    const other = sodium.crypto_box_keypair()
    expect(() => sodium.crypto_box_seal_open(box, other.publicKey, other.privateKey)).toThrow()
  })

  it('is not sealed to a point of low order, which everybody could open', () => {
    expect(() => leases.sealLease(new Uint8Array(32), {})).toThrow()
  })

  it('is signed with the keys of a keyring that was read again', async () => {
    const sealer = await createLeaseSealer(first)
    sealer.reload(announced)
    const holder = sodium.crypto_box_keypair()
    const plain = sodium.crypto_box_seal_open(
      sealer.sealLease(holder.publicKey, {}),
      holder.publicKey,
      holder.privateKey,
    )
    expect(JSON.parse(Buffer.from(plain).toString('utf8')).signatures).toHaveLength(2)
  })

  it('is verified with the public halves that an operator hands out, newest first', async () => {
    expect(leaseVerifyKeys(announced)).toEqual(announced.lease.map(key => key.public.toString('base64')))
    const made = await newLeaseKey(kind => `${kind}-1234`)
    expect(made.id).toBe('lease-1234')
    const [half, secret] = [Buffer.from(made.public, 'base64'), Buffer.from(made.secret, 'base64')]
    const signature = sodium.crypto_sign_detached('text', secret)
    expect(sodium.crypto_sign_verify_detached(signature, 'text', half)).toBe(true)
  })
})

describe('The text of a verdict', () => {
  it('is the same in every release, since stored signatures cover it', () => {
    const fields = (text: Uint8Array) =>
      Buffer.from(text)
        .toString('latin1')
        .replaceAll(/\0\0\0[\s\S]/g, '|')
    expect(fields(verdictText(VERDICT))).toBe('mooring/1\n|verdict|one|shop|live|3|active|usable|1777622400000')
    expect(fields(verdictText({ ...VERDICT, usable: false, usableUntil: null }))).toBe(
      'mooring/1\n|verdict|one|shop|live|3|active|unusable|never',
    )
  })
})
