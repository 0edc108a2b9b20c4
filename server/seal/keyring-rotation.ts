/**
 * Rotation of the keys in keyrings, as decisions on the two of them together: announce a new key, use it, drop what nothing
 * needs. Between the steps every process reads its keyring again, so that none meets a key that it does not know.
 * Operators' commands call it; it writes nothing.
 */
import type { WebKeyring, WorkerKeyring } from './keyring.ts'
import { readySodium } from './sodium.ts'

/** Both files of an installation. */
export interface Keyrings {
  readonly web: WebKeyring
  readonly worker: WorkerKeyring
}

/** What can be rotated; `signing` is the pairs of both tiers. */
export type KeyKind = 'master' | 'signing' | 'pepper' | 'fingerprint'

interface Announced {
  readonly announced: true
}

const ANNOUNCED: Announced = { announced: true }

/** Adds a new key of a kind to both keyrings: known, and not used. */
export async function announce(rings: Keyrings, kind: KeyKind, newKeyId: (kind: string) => string): Promise<Keyrings> {
  const sodium = await readySodium()
  const { web, worker } = rings
  if (kind === 'master') {
    const { publicKey, privateKey } = sodium.crypto_box_keypair()
    const half = { id: newKeyId(kind), public: Buffer.from(publicKey), ...ANNOUNCED }
    return {
      web: { ...web, master: [half, ...web.master] },
      worker: { ...worker, master: [{ ...half, secret: Buffer.from(privateKey) }, ...worker.master] },
    }
  }
  if (kind === 'signing') {
    const [one, other] = [sodium.crypto_sign_keypair(), sodium.crypto_sign_keypair()]
    const ofWeb = { id: newKeyId('web'), public: Buffer.from(one.publicKey), ...ANNOUNCED }
    const ofWorker = { id: newKeyId('worker'), public: Buffer.from(other.publicKey), ...ANNOUNCED }
    const pair = (half: typeof ofWeb, secret: Uint8Array) => ({ ...half, secret: Buffer.from(secret) })
    return {
      web: {
        ...web,
        signing: [pair(ofWeb, one.privateKey), ...web.signing],
        verify: [ofWorker, ...web.verify],
      },
      worker: {
        ...worker,
        signing: [pair(ofWorker, other.privateKey), ...worker.signing],
        verify: [ofWeb, ...worker.verify],
      },
    }
  }
  const key = { id: newKeyId(kind), secret: Buffer.from(sodium.randombytes_buf(32)), ...ANNOUNCED }
  return {
    web: { ...web, [kind]: [key, ...web[kind]] },
    worker: { ...worker, [kind]: [key, ...worker[kind]] },
  }
}

const LISTS = { master: ['master'], signing: ['signing', 'verify'], pepper: ['pepper'], fingerprint: ['fingerprint'] } as const

/** True when a key of the kind is announced in both keyrings. */
export function isAnnounced({ web, worker }: Keyrings, kind: KeyKind): boolean {
  return LISTS[kind].every(list => [web, worker].every(ring => ring[list].some(key => key.announced === true)))
}

/** Brings what is announced into use, from `now` on. */
export function use({ web, worker }: Keyrings, kind: KeyKind, now: Date): Keyrings {
  const since = now.toISOString()
  const used = <T extends { announced?: true | undefined }>(keys: readonly T[]): T[] =>
    keys.map(({ announced, ...key }) => (announced === true ? { ...key, since } : key) as T) // the same key without one mark
  return {
    web: LISTS[kind].reduce((ring, list) => ({ ...ring, [list]: used<never>(ring[list] as never[]) }), web),
    worker: LISTS[kind].reduce((ring, list) => ({ ...ring, [list]: used<never>(ring[list] as never[]) }), worker),
  }
}
