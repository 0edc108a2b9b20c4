/**
 * Rotates the keys in keyrings, as pure operations on both files together: announce a new key, use it, drop unneeded
 * ones. Between the steps every process reads its keyring again, so that none meets an unknown key. Operators' commands
 * call it; it reads and writes no file.
 */
import { z } from 'zod'
import { parseWebKeyring, parseWorkerKeyring } from './keyring.ts'
import { newLeaseKey } from './leases.ts'
import { pooledSodium } from './sodium.ts'

const Key = z.object({
  id: z.string(),
  public: z.string().optional(),
  secret: z.string().optional(),
  announced: z.literal(true).optional(),
  since: z.string().optional(),
})
type Key = z.output<typeof Key>

const Keys = z.array(Key)
const SHARED = { role: z.string(), master: Keys, signing: Keys, verify: Keys, pepper: Keys }
const Ring = z.object({ ...SHARED, fingerprint: Keys.optional(), lease: Keys.optional() })
type Ring = z.output<typeof Ring>
type List = Exclude<keyof Ring, 'role'>

/** Both files of an installation, with keys as base64. */
export interface Keyrings {
  readonly web: Ring
  readonly worker: Ring
}

/**
 * The kinds of keys that can be rotated; `signing` means the pairs of both tiers, `lease` the worker's pair for leases.
 */
export const KEY_KINDS = ['master', 'signing', 'pepper', 'fingerprint', 'lease'] as const
/** A kind of key that can be rotated. */
export type KeyKind = (typeof KEY_KINDS)[number]

/** Parses the texts of both files. Throws the keyring's own sentence for one with which no process would start. */
export function parseKeyrings(texts: { web: string; worker: string }): Keyrings {
  parseWebKeyring(texts.web)
  parseWorkerKeyring(texts.worker)
  return { web: Ring.parse(JSON.parse(texts.web)), worker: Ring.parse(JSON.parse(texts.worker)) }
}

/** The texts to write. Throws if a process would not start with one of them: neither must then be written. */
export function printKeyrings(keyrings: Keyrings): { web: string; worker: string } {
  const texts = {
    web: `${JSON.stringify(keyrings.web, null, 2)}\n`,
    worker: `${JSON.stringify(keyrings.worker, null, 2)}\n`,
  }
  parseKeyrings(texts)
  return texts
}

const base64 = (value: Uint8Array) => Buffer.from(value).toString('base64')

/** The lists that contain keys of each kind, in the files that have them. */
const LISTS: Readonly<Record<KeyKind, readonly List[]>> = {
  master: ['master'],
  signing: ['signing', 'verify'],
  pepper: ['pepper'],
  fingerprint: ['fingerprint'],
  lease: ['lease'],
}

/** Adds a new key of a kind to both keyrings: known, but not used yet. */
export async function announce(
  keyrings: Keyrings,
  kind: KeyKind,
  newKeyId: (kind: string) => string,
): Promise<Keyrings> {
  const sodium = await pooledSodium()
  const { web, worker } = keyrings
  const announced = true as const
  if (kind === 'signing') {
    const made = (role: string) => {
      const pair = sodium.crypto_sign_keypair()
      const half: Key = { id: newKeyId(role), public: base64(pair.publicKey), announced }
      return { half, pair: { ...half, secret: base64(pair.privateKey) } }
    }
    const [ofWeb, ofWorker] = [made('web'), made('worker')]
    return {
      web: { ...web, signing: [ofWeb.pair, ...web.signing], verify: [ofWorker.half, ...web.verify] },
      worker: { ...worker, signing: [ofWorker.pair, ...worker.signing], verify: [ofWeb.half, ...worker.verify] },
    }
  }
  if (kind === 'master') {
    const pair = sodium.crypto_box_keypair()
    const half: Key = { id: newKeyId(kind), public: base64(pair.publicKey), announced }
    return {
      web: { ...web, master: [half, ...web.master] },
      worker: { ...worker, master: [{ ...half, secret: base64(pair.privateKey) }, ...worker.master] },
    }
  }
  if (kind === 'lease') {
    const key = { ...(await newLeaseKey(newKeyId)), announced }
    return { web, worker: { ...worker, lease: [key, ...(worker.lease ?? [])] } }
  }
  const key: Key = { id: newKeyId(kind), secret: base64(sodium.randombytes_buf(32)), announced }
  const withKey = (ring: Ring): Ring => {
    const keys = ring[kind]
    return keys === undefined ? ring : { ...ring, [kind]: [key, ...keys] }
  }
  return { web: withKey(web), worker: withKey(worker) }
}

/** True if a key of the kind is announced in every keyring that has the kind. */
export function isAnnounced({ web, worker }: Keyrings, kind: KeyKind): boolean {
  const lists = LISTS[kind].flatMap(list => [web[list] ?? [], worker[list] ?? []]).filter(keys => keys.length > 0)
  return lists.every(keys => keys.some(key => key.announced === true))
}

/** Puts announced keys into use, from `now` on. */
export function use(keyrings: Keyrings, kind: KeyKind, now: Date): Keyrings {
  const since = now.toISOString()
  return changed(keyrings, kind, keys =>
    keys.map(({ announced, ...key }) => (announced === true ? { ...key, since } : key)),
  )
}

/** Drops the keys of a kind that are neither in use, nor announced, nor needed. Returns which. */
export function drop(
  keyrings: Keyrings,
  kind: KeyKind,
  isNeeded: (id: string) => boolean,
): { keyrings: Keyrings; dropped: string[] } {
  const dropped = new Set<string>()
  const kept = changed(keyrings, kind, keys => {
    const inUse = keys.find(key => key.announced !== true)
    return keys.filter(key => {
      const isKept = key === inUse || key.announced === true || isNeeded(key.id)
      if (!isKept) dropped.add(key.id)
      return isKept
    })
  })
  return { keyrings: kept, dropped: [...dropped] }
}

function changed(keyrings: Keyrings, kind: KeyKind, change: (keys: readonly Key[]) => Key[]): Keyrings {
  return { web: changedRing(keyrings.web), worker: changedRing(keyrings.worker) }

  function changedRing(ring: Ring): Ring {
    let done = ring
    for (const list of LISTS[kind]) {
      const keys = done[list]
      if (keys !== undefined) done = { ...done, [list]: change(keys) }
    }
    return done
  }
}

/** The time at which the current key of a kind came into use; null for the first one. */
export function inUseSince({ worker }: Keyrings, kind: KeyKind): Date | null {
  const since = worker[kind]?.find(key => key.announced !== true)?.since
  return since === undefined ? null : new Date(since)
}
