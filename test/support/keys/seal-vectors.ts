/**
 * Makes `test/vectors/seal/vectors.json`: a sealed credential that opens, and attacks on it that must not. Run by hand
 * when the format changes (`node test/support/keys/seal-vectors.ts > test/vectors/seal/vectors.json`); its keys have no
 * other use.
 */
import { stdout } from 'node:process'
import sodium from 'libsodium-wrappers'
import { newId } from '#server/domain/access/ids.ts'
import type { CredentialContext, SealedBox, Secret, WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createKeyrings, inUse, parseWebKeyring, parseWorkerKeyring } from '#server/seal/keyring.ts'
import { createSealer, credentialText, organizationKeyText, taskText } from '#server/seal/sealer.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'

const texts = await createKeyrings(newKeyId)
const [webRing, workerRing] = [parseWebKeyring(texts.web), parseWorkerKeyring(texts.worker)]
const [web, unsealer] = [await createSealer(webRing), await createUnsealer(workerRing)]
const sign = (text: Uint8Array, secret: Uint8Array) => Buffer.from(sodium.crypto_sign_detached(text, secret))
const seal = (plain: string, key: Uint8Array) => Buffer.from(sodium.crypto_box_seal(plain, key))

function newKey(organizationId: string): WrappedOrganizationKey {
  const id = newId()
  return { organizationId, id, retiredAt: null, ...unsealer.createOrganizationKey(organizationId, id) }
}

function sealFor(key: WrappedOrganizationKey, context: CredentialContext, secret: Secret): SealedBox {
  const verified = web.verifyKey(key)
  if (verified === null) throw new Error('the signature of the key does not verify')
  return web.sealCredential(verified, context, secret)
}

const target = {
  host: 'db.acme.io',
  port: 5432,
  database: 'shop',
  user: 'app',
  password: 'a-password-in-a-vector',
  tlsMode: 'verify-full',
  channelBinding: 'prefer',
  sslNegotiation: 'postgres',
  applicationName: null,
  connectTimeoutSeconds: null,
  neonEndpoint: null,
} as const
const secret: Secret = { kind: 'direct', target, caCertificate: null }
const older: Secret = { ...secret, target: { ...target, password: 'the-password-before' } }

const organizationId = newId()
const key = newKey(organizationId)
const successor = newKey(organizationId)
const theirs = newKey(newId())
const context = { organizationId, datasourceId: newId(), version: 2 }
const ok = sealFor(key, context, secret)
const neighbour = sealFor(key, { ...context, datasourceId: newId() }, secret)
const before = sealFor(key, { ...context, version: 1 }, older)
const others = sealFor(theirs, { ...context, organizationId: theirs.organizationId }, secret)

/** The boxes of an attacker who can write every table and knows every public key. */
const attacker = { box: sodium.crypto_box_keypair(), sign: sodium.crypto_sign_keypair() }
const content = {
  v: 1,
  purpose: 'credential',
  ...context,
  secret: { ...secret, target: { ...target, host: 'evil.io' } },
}
const forgedBox = seal(JSON.stringify(content), key.publicKey)
const byAttacker = (box: Buffer) => sign(credentialText(context, key.id, box), attacker.sign.privateKey)
const webSigner = inUse(webRing.signing)

function ownPair(signerId: string, signing: Uint8Array): WrappedOrganizationKey {
  const wrapped = { v: 1, purpose: 'organization-key', organizationId, id: key.id }
  const own = Buffer.from(attacker.box.privateKey).toString('base64')
  const publicKey = Buffer.from(attacker.box.publicKey)
  return {
    organizationId,
    id: key.id,
    publicKey,
    secret: seal(JSON.stringify({ ...wrapped, secret: own }), inUse(webRing.master).public),
    masterKeyId: key.masterKeyId,
    signerId,
    signature: sign(organizationKeyText({ organizationId, id: key.id, publicKey, retiredAt: null }), signing),
    retiredAt: null,
  }
}

function olderFormat(version: number | undefined): SealedBox {
  const plain = JSON.stringify({ ...content, secret, v: version })
  const box = seal(plain, key.publicKey)
  return { ...ok, box, signature: sign(credentialText(context, key.id, box), webSigner.secret) }
}

function asTask(): SealedBox {
  const taskId = context.datasourceId
  const box = seal(JSON.stringify({ v: 1, purpose: 'task', organizationId, taskId, payload: secret }), key.publicKey)
  return { ...ok, box, signature: sign(taskText({ organizationId, taskId }, key.id, box), webSigner.secret) }
}

const retiredAt = new Date('2026-01-01T00:00:00Z')
const retired = { ...key, retiredAt, ...unsealer.signOrganizationKey({ ...key, retiredAt }) }
const short = (length: number) => ({ sealed: { ...ok, box: ok.box.subarray(0, length) } })

const cases: Record<string, { key?: WrappedOrganizationKey; context?: CredentialContext; sealed?: SealedBox }> = {
  'the wrong key of the same organization': { key: successor },
  'the wrong key under the name of the right one': { key: { ...successor, id: key.id } },
  'the right key said to be of another organization': { key: { ...key, organizationId: theirs.organizationId } },
  'a box cut by one byte': short(ok.box.length - 1),
  'a box cut to its overhead': short(48),
  'an empty box': short(0),
  'a signature cut by one byte': { sealed: { ...ok, signature: ok.signature.subarray(0, 63) } },
  'the box of another datasource': { sealed: neighbour },
  "the box of another datasource with this one's signature": { sealed: { ...ok, box: neighbour.box } },
  'the box of another organization': { sealed: others },
  'the box of another organization, its key and all': { sealed: others, key: theirs },
  'the box of another organization under our key id': { sealed: { ...others, keyId: key.id } },
  "an older version's bytes under the newer version": { sealed: before },
  'the newer bytes under the older version': { context: { ...context, version: 1 } },
  'a box forged with the public key alone': { sealed: { ...ok, box: forgedBox } },
  'a forged box signed by the forger as the web tier': {
    sealed: { ...ok, box: forgedBox, signature: byAttacker(forgedBox) },
  },
  'a forged box signed by a signer of the forger': {
    sealed: { keyId: key.id, box: forgedBox, signerId: 'web-0badf00d', signature: byAttacker(forgedBox) },
  },
  "an organization key row replaced by one's own pair": { key: ownPair(key.signerId, attacker.sign.privateKey) },
  "one's own pair, signed by a web tier that was taken over": { key: ownPair(webSigner.id, webSigner.secret) },
  "one's own pair beside the signature of the true one": {
    key: { ...ownPair(key.signerId, attacker.sign.privateKey), signature: key.signature },
  },
  'a true row with the wrapped secret of another key': { key: { ...key, secret: successor.secret } },
  'a retired key row made current': { key: { ...retired, retiredAt: null } },
  'a current key row made retired': { key: { ...key, retiredAt } },
  'an older format': { sealed: olderFormat(0) },
  'no format at all': { sealed: olderFormat(undefined) },
  'the payload of a task': { sealed: asTask() },
}

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]))
}
const vectors = {
  keyrings: { web: JSON.parse(texts.web), worker: JSON.parse(texts.worker) },
  ok: { key, context, sealed: ok, secret },
  retired,
  refused: Object.fromEntries(
    Object.entries(cases).map(([name, change]) => [name, { key, context, sealed: ok, ...change }]),
  ),
}
stdout.write(`${JSON.stringify(plain(vectors), null, 1)}\n`)
