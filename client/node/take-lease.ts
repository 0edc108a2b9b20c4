/**
 * Takes and releases a single lease. It must never return a lease that the worker's lease key has not signed. Used only
 * by `node.ts`.
 */

import { readySodium } from '#client/core/sodium.ts'
import type { Client } from '#client/index.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { judgedSocket } from './leased-client.ts'
import { type LeasedPlace, openLeasedPlace } from './leased-place.ts'
import { readSignedLease, readVerifyKeys } from './signed-lease.ts'
import { offersTls } from './tls-offer.ts'

/** A lease that is in force. */
export interface Held {
  readonly leaseId: `lease_${string}`
  readonly place: LeasedPlace
  readonly version: number
  readonly grantedMs: number
  readonly expiresMs: number
}

/** The request, and the operator's keys: in base64, at least one. */
export interface LeaseRequest {
  readonly id: DatasourceId
  readonly ttlSeconds: number
  readonly verifyKeys: readonly string[]
}

type Sodium = Awaited<ReturnType<typeof readySodium>>
type Answer = Awaited<ReturnType<Client['datasources']['lease']['mutate']>>

/**
 * Requests a lease for a new one-time key, verifies it, and reads it. Without verify keys it rejects before sending a
 * request; a lease that differs from the requested one is released.
 */
export async function takeLease(client: Client, request: LeaseRequest): Promise<Held> {
  const sodium = await readySodium()
  const verifyKeys = readVerifyKeys(sodium, request.verifyKeys)
  const pair = sodium.crypto_box_keypair()
  try {
    const { id, ttlSeconds } = request
    const publicKey = sodium.to_base64(pair.publicKey, sodium.base64_variants.ORIGINAL)
    const untilMs = Date.now() + ttlSeconds * 1000
    const answer = await client.datasources.lease.mutate({ id, publicKey, ttlSeconds })
    try {
      return await opened(sodium, answer, { pair, verifyKeys, asked: { id, publicKey, untilMs } })
    } catch (error) {
      await returnLease(client, answer.leaseId as Held['leaseId']) // if this is not an id, the server refuses it
      throw error
    }
  } finally {
    sodium.memzero(pair.privateKey)
  }
}

/** Releases a lease. A lease that cannot be released expires by itself. */
export async function returnLease(client: Client, leaseId: Held['leaseId']): Promise<void> {
  await client.datasources.releaseLease.mutate({ leaseId }).catch(() => undefined)
}

interface Asked {
  readonly pair: { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array }
  readonly verifyKeys: readonly Uint8Array[]
  readonly asked: { readonly id: DatasourceId; readonly publicKey: string; readonly untilMs: number }
}

async function opened(sodium: Sodium, answer: Answer, { pair, verifyKeys, asked }: Asked): Promise<Held> {
  const { leaseId, sealed, credentialVersion } = answer
  const box = sodium.from_base64(sealed, sodium.base64_variants.ORIGINAL)
  const plain = sodium.crypto_box_seal_open(box, pair.publicKey, pair.privateKey)
  const expected = { ...asked, leaseId, credentialVersion }
  const credential = readSignedLease(sodium, plain, { verifyKeys, asked: expected })
  sodium.memzero(plain)
  return {
    leaseId: credential.id,
    place: await decided(openLeasedPlace(credential)),
    version: credential.credentialVersion,
    grantedMs: Date.now(),
    expiresMs: Date.parse(credential.expiresAt),
  }
}

/** Resolves `prefer` once per lease: encrypted if the server offers it. */
async function decided(place: LeasedPlace): Promise<LeasedPlace> {
  if (place.encrypt !== 'prefer') return place
  const isOffered = await offersTls(judgedSocket(place), place.target.port)
  return { ...place, encrypt: isOffered ? 'always' : 'never' }
}
