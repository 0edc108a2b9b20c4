/**
 * Keyring files: the keys of each role, and how they are created.
 *
 * `web.json` contains no secret that opens a box: only the master key's public half, the web's signing key, the keys
 * with which it verifies the worker, and the keys of the token hashes. `worker.json` contains the master secret key.
 * The formats differ so that a web process given the worker's file refuses to start rather than hold more than it may.
 */
import sodium from 'libsodium-wrappers'
import { z } from 'zod'

const bytes = (length: number) =>
  z
    .base64()
    .transform(text => Buffer.from(text, 'base64'))
    .refine(value => value.length === length, { error: `not ${length} bytes` })
    .refine(value => new Set(value).size > 8, { error: 'too regular to be a key' })

const keyId = z.string().regex(/^[a-z0-9-]{4,40}$/)
/**
 * `announced`: known to everyone and not used yet, so that a process which has read it can already verify what another
 * will make with it. `since`: when it came into use.
 */
const life = { announced: z.literal(true).optional(), since: z.iso.datetime().optional() }
const Symmetric = z.strictObject({ id: keyId, secret: bytes(32), ...life })
const PublicHalf = z.strictObject({ id: keyId, public: bytes(32), ...life })
const SigningPair = z.strictObject({ id: keyId, public: bytes(32), secret: bytes(64), ...life })
const BoxPair = z.strictObject({ id: keyId, public: bytes(32), secret: bytes(32), ...life })

const list = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(16)

/** The web tier's keys, newest first in each list. */
export const WebKeyring = z.strictObject({
  role: z.literal('web'),
  master: list(PublicHalf),
  signing: list(SigningPair),
  verify: list(PublicHalf),
  pepper: list(Symmetric),
})
export type WebKeyring = z.output<typeof WebKeyring>

/** The worker's keys, newest first in each list. */
export const WorkerKeyring = z.strictObject({
  role: z.literal('worker'),
  master: list(BoxPair),
  signing: list(SigningPair),
  verify: list(PublicHalf),
  pepper: list(Symmetric),
  fingerprint: list(Symmetric),
  /** Signs leases and nothing else; holders get the public halves from the operator. */
  lease: list(SigningPair),
})
export type WorkerKeyring = z.output<typeof WorkerKeyring>

/** Keyrings in the format of releases before 0.3.0: the fingerprint key in both files, and no lease keys. */
const FormerWebKeyring = WebKeyring.extend({ fingerprint: list(Symmetric) })
const FormerWorkerKeyring = WorkerKeyring.omit({ lease: true })

/** A keyring of an earlier release: valid, but not in a format that this release can start with. */
export class FormerKeyring extends Error {
  constructor() {
    super('The keyring was written by an earlier release. Run: npm run -s mooring -- keyring upgrade')
    this.name = 'FormerKeyring'
  }
}

/** The key with which new things are made: the newest that is not merely announced. */
export function inUse<T extends { readonly announced?: true | undefined }>(keys: readonly T[]): T {
  const found = keys.find(key => key.announced !== true)
  if (found === undefined) throw new Error('The keyring has only announced keys, but one must be in use.')
  return found
}

/** All keys, the one in use first, for verifying what was made with any of them. */
export function inUseFirst<T extends { readonly announced?: true | undefined }>(keys: readonly T[]): T[] {
  const first = inUse(keys)
  return [first, ...keys.filter(key => key !== first)]
}

/** The texts of both files of a new pair of keyrings. */
export async function createKeyrings(newKeyId: (kind: string) => string): Promise<{ web: string; worker: string }> {
  await sodium.ready
  const text = (value: Uint8Array) => Buffer.from(value).toString('base64')
  const master = sodium.crypto_box_keypair()
  const [webPair, workerPair] = [sodium.crypto_sign_keypair(), sodium.crypto_sign_keypair()]
  const ids = { master: newKeyId('master'), web: newKeyId('web'), worker: newKeyId('worker') }
  const shared = {
    pepper: [{ id: newKeyId('pepper'), secret: text(sodium.randombytes_buf(32)) }],
  }
  const fingerprint = [{ id: newKeyId('fingerprint'), secret: text(sodium.randombytes_buf(32)) }]
  const signing = (id: string, pair: typeof webPair) => [
    { id, public: text(pair.publicKey), secret: text(pair.privateKey) },
  ]
  const lease = signing(newKeyId('lease'), sodium.crypto_sign_keypair())
  const verify = (id: string, pair: typeof webPair) => [{ id, public: text(pair.publicKey) }]
  const web = {
    role: 'web',
    master: [{ id: ids.master, public: text(master.publicKey) }],
    signing: signing(ids.web, webPair),
    verify: verify(ids.worker, workerPair),
    ...shared,
  }
  const worker = {
    role: 'worker',
    master: [{ id: ids.master, public: text(master.publicKey), secret: text(master.privateKey) }],
    signing: signing(ids.worker, workerPair),
    verify: verify(ids.web, webPair),
    ...shared,
    fingerprint,
    lease,
  }
  return { web: `${JSON.stringify(web, null, 2)}\n`, worker: `${JSON.stringify(worker, null, 2)}\n` }
}

/**
 * Parses the web tier's keyring. Throws an `Error` that names the position in the file, never a value; `FormerKeyring`
 * for the format of an earlier release.
 */
export function parseWebKeyring(text: string): WebKeyring {
  return parse(text, { shape: WebKeyring, former: FormerWebKeyring })
}

/** Parses the worker's keyring; throws the same errors. */
export function parseWorkerKeyring(text: string): WorkerKeyring {
  return parse(text, { shape: WorkerKeyring, former: FormerWorkerKeyring })
}

/** A damaged keyring must never be recreated: new keys cannot open what the old ones sealed. */
const REMEDY = 'Restore it from its backup, and never create a new one: new keys open nothing that is already sealed.'

type AnyKeyring = WebKeyring | WorkerKeyring | z.output<typeof FormerWebKeyring> | z.output<typeof FormerWorkerKeyring>

function parse<T extends AnyKeyring>(text: string, schemas: { shape: z.ZodType<T>; former: z.ZodType<AnyKeyring> }): T {
  const value = parseJson(text)
  const parsed = schemas.shape.safeParse(value)
  if (parsed.success) {
    refuseReuse(parsed.data)
    refuseOddLists(parsed.data)
    return parsed.data
  }
  const former = schemas.former.safeParse(value)
  if (former.success) {
    refuseReuse(former.data)
    refuseOddLists(former.data)
    throw new FormerKeyring()
  }
  const where = parsed.error.issues.map(issue => `${issue.path.join('.') || 'the file'}: ${issue.message}`).join('; ')
  throw new Error(`The keyring is invalid (${where}). ${REMEDY}`)
}

interface AnyKey {
  readonly id: string
  readonly secret?: Buffer
  readonly announced?: true | undefined
}

function listsOf({ role: _, ...lists }: AnyKeyring): readonly (readonly AnyKey[])[] {
  return Object.values(lists)
}

/** The pepper is in both files on purpose; within one file no two secrets may be equal. */
function refuseReuse(keyring: AnyKeyring): void {
  const secrets = listsOf(keyring).flatMap(keys => keys.flatMap(key => key.secret?.toString('base64') ?? []))
  if (new Set(secrets).size !== secrets.length)
    throw new Error(`The keyring uses one secret for two purposes. ${REMEDY}`)
}

/**
 * Each list has unique ids, a key in use, and pairs whose halves match (an Ed25519 secret ends with its public half).
 */
function refuseOddLists(keyring: AnyKeyring): void {
  for (const keys of listsOf(keyring)) {
    const ids = new Set(keys.map(key => key.id))
    const isInUse = keys.some(key => key.announced !== true)
    if (ids.size !== keys.length || !isInUse)
      throw new Error(`The keyring has a key twice, or a list with no key in use. ${REMEDY}`)
  }
  const pairs = 'lease' in keyring ? [...keyring.signing, ...keyring.lease] : keyring.signing
  if (pairs.some(key => !key.secret.subarray(32).equals(key.public)))
    throw new Error(`The keyring has a signing key whose halves do not match. ${REMEDY}`)
  // With one key for both roles the web tier could sign what it must only verify: the keys that it seals to.
  if (pairs.some(key => keyring.verify.some(other => other.public.equals(key.public))))
    throw new Error(`The keyring verifies the other role with its own signing key. ${REMEDY}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which is nothing but secrets.
    throw new Error(`The keyring is not valid JSON. ${REMEDY}`)
  }
}
