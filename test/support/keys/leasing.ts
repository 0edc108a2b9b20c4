/**
 * Shared by tests of leases: a capability that an operator has signed, a one-time key pair, and the content of the box.
 */
import sodium from 'libsodium-wrappers'
import { createLeaseCapability } from '#server/operator/access/leases.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { leaseVerifyKeys } from '#server/seal/leases.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { LeasedCredential, SignedLease } from '#shared/access/lease.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'

/** Signs a capability that may lease, as the operator's command does, and returns its token. */
export function leaseCapability(
  mooring: { readonly db: Db; readonly keyring: WorkerKeyring; readonly organization: { readonly id: string } },
  grant: { ids?: DatasourceId[]; ttlSeconds?: number; now?: Date } = {},
): Promise<string> {
  const { db, keyring, organization } = mooring
  return createLeaseCapability(
    { db, keyring, now: grant.now ?? new Date() },
    {
      organizationId: organization.id,
      mode: 'test',
      datasourceIds: grant.ids ?? null,
      ttlSeconds: grant.ttlSeconds ?? 3600,
      label: null,
    },
  )
}

/** The operator's verify keys for a program that takes leases. */
export function verifyKeysOf(mooring: { readonly keyring: WorkerKeyring }): string[] {
  return leaseVerifyKeys(mooring.keyring)
}

/** A holder's one-time key pair. */
export interface HolderKey {
  readonly publicKey: string
  /** The content of a box that was sealed to it. Throws for another box. */
  open(sealed: string): LeasedCredential
  /** The text in the box and its signatures. */
  envelope(sealed: string): SignedLease
}

/** Creates a one-time key pair. */
export async function holderKey(): Promise<HolderKey> {
  await sodium.ready
  const pair = sodium.crypto_box_keypair()
  const envelope = (sealed: string) => {
    const plain = sodium.crypto_box_seal_open(Buffer.from(sealed, 'base64'), pair.publicKey, pair.privateKey)
    return SignedLease.parse(JSON.parse(Buffer.from(plain).toString('utf8')))
  }
  return {
    publicKey: Buffer.from(pair.publicKey).toString('base64'),
    open: sealed => LeasedCredential.parse(JSON.parse(envelope(sealed).lease)),
    envelope,
  }
}
