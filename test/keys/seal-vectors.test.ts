/**
 * Sealed credentials against an attacker who can write the tables: of the vectors only the true one opens, and no
 * refusal reveals why.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CredentialContext, SealedBox, WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { SealBroken } from '#server/seal/held-key.ts'
import { parseWebKeyring, parseWorkerKeyring } from '#server/seal/keyring.ts'
import { type KeyringTexts, upgradeKeyrings } from '#server/seal/keyring-upgrade.ts'
import { createSealer, type Sealer } from '#server/seal/sealer.ts'
import { createTokens } from '#server/seal/token.ts'
import { createUnsealer, type Unsealer } from '#server/seal/unsealer.ts'

/** All inputs of opening a credential. */
interface Case {
  readonly key: WrappedOrganizationKey
  readonly context: CredentialContext
  readonly sealed: SealedBox
}

const text = await readFile(fileURLToPath(new URL('../vectors/seal/vectors.json', import.meta.url)), 'utf8')
const vectors = JSON.parse(text)

let unsealer: Unsealer
let web: Sealer
let keyrings: KeyringTexts
beforeAll(async () => {
  // The vectors are of an earlier release: an upgraded keyring opens boxes from before.
  const former = { web: JSON.stringify(vectors.keyrings.web), worker: JSON.stringify(vectors.keyrings.worker) }
  keyrings = (await upgradeKeyrings(former, newKeyId)) ?? former
  unsealer = await createUnsealer(parseWorkerKeyring(keyrings.worker))
  web = await createSealer(parseWebKeyring(keyrings.web))
})

const bytes = (base64: string) => Buffer.from(base64, 'base64')

function keyOf(row: Record<string, string>): WrappedOrganizationKey {
  const { organizationId = '', id = '', publicKey = '', secret = '', masterKeyId = '', signerId = '' } = row
  const retiredAt = row['retiredAt'] ? new Date(row['retiredAt']) : null
  const read = { publicKey: bytes(publicKey), secret: bytes(secret), signature: bytes(row['signature'] ?? '') }
  return { organizationId, id, masterKeyId, signerId, retiredAt, ...read }
}

interface Vector {
  readonly key: Record<string, string>
  readonly context: CredentialContext
  readonly sealed: { keyId: string; signerId: string; box: string; signature: string }
}

function caseOf(vector: Vector): Case {
  const { keyId, signerId, box, signature } = vector.sealed
  const sealed = { keyId, signerId, box: bytes(box), signature: bytes(signature) }
  return { key: keyOf(vector.key), context: vector.context, sealed }
}

const open = ({ key, context, sealed }: Case) => unsealer.openCredential(key, context, sealed)

/** A caller's view of a refusal. */
function refusal(attempt: Case): string {
  try {
    open(attempt)
    return 'opened'
  } catch (thrown) {
    if (!(thrown instanceof SealBroken)) throw thrown
    return `${thrown.name}: ${thrown.message} ${JSON.stringify(thrown)}`
  }
}

const REFUSED = 'SealBroken: the seal is broken {"name":"SealBroken"}'

/** The same bytes with each bit flipped in turn. */
function* flipped(value: Buffer): Generator<Buffer> {
  for (let bit = 0; bit < value.length * 8; bit += 1) {
    const copy = Buffer.from(value)
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield copy
  }
}

/** The same text with each bit of each character flipped in turn. */
function* flippedText(value: string): Generator<string> {
  for (const copy of flipped(Buffer.from(value))) yield copy.toString('latin1')
}

describe('The vectors', () => {
  it('ok: opens to the sealed content', () => {
    expect(open(caseOf(vectors.ok))).toEqual(vectors.ok.secret)
  })

  it.each(Object.keys(vectors.refused))('%s: refused', name => {
    expect(refusal(caseOf(vectors.refused[name]))).toBe(REFUSED)
  })

  it('a retired key still opens its own boxes, and nothing new is sealed to it', () => {
    const retired = keyOf(vectors.retired)
    expect(open({ ...caseOf(vectors.ok), key: retired })).toEqual(vectors.ok.secret)
    expect(web.verifyKey(retired)).toBeNull()
    expect(web.verifyKey(caseOf(vectors.ok).key)).not.toBeNull()
  })

  it.each([
    "an organization key row replaced by one's own pair",
    "one's own pair, signed by a web tier that was taken over",
    "one's own pair beside the signature of the true one",
    'a retired key row made current',
    'a current key row made retired',
    'the right key said to be of another organization',
  ])('%s: the web tier seals nothing to it', name => {
    expect(web.verifyKey(caseOf(vectors.refused[name]).key)).toBeNull()
  })
})

describe('Each single flipped bit', () => {
  const ok = caseOf(vectors.ok)
  const { key, context, sealed } = ok
  it.each<[string, () => Generator<Case>]>([
    ['the box', () => mapped(flipped(sealed.box), box => ({ ...ok, sealed: { ...sealed, box } }))],
    [
      'the signature',
      () => mapped(flipped(sealed.signature), signature => ({ ...ok, sealed: { ...sealed, signature } })),
    ],
    [
      'the signer',
      () => mapped(flippedText(sealed.signerId), signerId => ({ ...ok, sealed: { ...sealed, signerId } })),
    ],
    [
      'the key id of the box',
      () => mapped(flippedText(sealed.keyId), keyId => ({ ...ok, sealed: { ...sealed, keyId } })),
    ],
    [
      "the organization's id",
      () =>
        mapped(flippedText(context.organizationId), organizationId => ({
          ...ok,
          context: { ...context, organizationId },
        })),
    ],
    [
      "the datasource's id",
      () =>
        mapped(flippedText(context.datasourceId), datasourceId => ({ ...ok, context: { ...context, datasourceId } })),
    ],
    ['the public key', () => mapped(flipped(key.publicKey), publicKey => ({ ...ok, key: { ...key, publicKey } }))],
    ['the wrapped secret', () => mapped(flipped(key.secret), secret => ({ ...ok, key: { ...key, secret } }))],
    ["the key's signature", () => mapped(flipped(key.signature), signature => ({ ...ok, key: { ...key, signature } }))],
    ["the key's signer", () => mapped(flippedText(key.signerId), signerId => ({ ...ok, key: { ...key, signerId } }))],
    [
      "the master key's id",
      () => mapped(flippedText(key.masterKeyId), masterKeyId => ({ ...ok, key: { ...key, masterKeyId } })),
    ],
  ])('of %s is refused', (_part, attempts) => {
    const seen = new Set<string>()
    for (const attempt of attempts()) seen.add(refusal(attempt))
    expect([...seen]).toEqual([REFUSED])
  })

  it('of the version is refused', () => {
    for (let bit = 0; bit < 31; bit += 1)
      expect(refusal({ ...ok, context: { ...context, version: context.version ^ (1 << bit) } })).toBe(REFUSED)
  })
})

function* mapped<T>(values: Generator<T>, make: (value: T) => Case): Generator<Case> {
  for (const value of values) yield make(value)
}

describe("A key row's MAC", () => {
  it('is valid for the written grant, and for no edited one', async () => {
    const tokens = await createTokens(parseWebKeyring(keyrings.web))
    const [hash] = tokens.hashes('sk_test_vector')
    if (hash === undefined) throw new Error('no pepper')
    const base = { organizationId: 'o', id: 'k', issuerId: null, mode: 'test' as const, scopes: ['datasources.read'] }
    const grant = { ...base, datasourceIds: ['ds_1'], expiresAt: new Date(0) }
    const mac = tokens.mac(hash, grant)
    expect(tokens.checks(hash, grant, mac)).toBe(true)
    const edits = [
      { scopes: ['datasources.read', 'datasources.update'] },
      { mode: 'live' as const },
      { organizationId: 'p' },
      { id: 'l' },
      { issuerId: 'i' },
      { datasourceIds: null },
      { expiresAt: null },
    ]
    for (const edit of edits) expect(tokens.checks(hash, { ...grant, ...edit }, mac)).toBe(false)
    for (const wrong of flipped(mac)) expect(tokens.checks(hash, grant, wrong)).toBe(false)
  })
})
