/**
 * Leases on the wire: a platform worker's request, the answer, and the content of the box. The box is sealed to the
 * worker's one-time key, so no process in between can read it.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import { idOf, Mode, Timestamp } from '#shared/base/wire.ts'
import { CapabilityId } from './credential.ts'

/** The id of a lease. */
export const LeaseId = idOf('lease_')
export type LeaseId = z.infer<typeof LeaseId>

/** Input of `datasources.lease`. `publicKey` is a one-time X25519 key, base64 of its 32 bytes. */
export const LeaseInput = z.strictObject({
  id: DatasourceId,
  publicKey: z.base64().length(44),
  ttlSeconds: z.number().int().min(1).max(3600).default(900),
})
export type LeaseInput = z.output<typeof LeaseInput>

/** Answer of `datasources.lease`: `sealed` is base64 of `crypto_box_seal` over the JSON of `SignedLease`. */
export const Lease = z.object({
  leaseId: LeaseId,
  sealed: z.base64(),
  expiresAt: Timestamp,
  credentialVersion: z.number().int(),
})
export type Lease = z.output<typeof Lease>

/** Input and answer of `datasources.releaseLease`. */
export const ReleasedLease = z.strictObject({ leaseId: LeaseId })

/**
 * The content of the box. `lease` is the JSON text of a `LeasedCredential`; each signature is base64 of an Ed25519
 * signature over `leaseBytes(lease)`, one for each lease key of the worker. A sealed box does not identify its sealer:
 * without a valid signature, do not trust or even parse the text.
 */
export const SignedLease = z.object({
  lease: z.string().max(65_536),
  signatures: z.array(z.object({ keyId: z.string().max(40), signature: z.base64() })).max(16),
})
export type SignedLease = z.output<typeof SignedLease>

/**
 * The leased credential and the values that bind it to the request. Connect only to `addresses`, whatever the host name
 * resolves to; use the host only as the TLS server name. The sslmode in the string has been checked as well. `id` is
 * the id of the lease; `publicKey` is the holder's key as it was sent.
 */
export const LeasedCredential = z.object({
  connectionString: z.string(),
  caCertificate: z.string().optional(),
  /**
   * The password may be sent as MD5 under this certificate, because the credential already logged in that way before
   * MD5 was refused.
   */
  md5Allowed: z.literal(true).optional(),
  addresses: z.array(z.union([z.ipv4(), z.ipv6()])).min(1),
  datasourceId: DatasourceId,
  mode: Mode,
  credentialVersion: z.number().int(),
  id: LeaseId,
  publicKey: z.base64(),
  expiresAt: Timestamp,
})
export type LeasedCredential = z.output<typeof LeasedCredential>

/** Input of `datasources.leases`, which answers newest first. `cursor` is the id of the last lease already seen. */
export const LeaseListInput = z.strictObject({
  id: DatasourceId,
  limit: z.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: LeaseId.optional(),
})

/**
 * A lease as its organization sees it, without the leased credential. `endedBy` is null while the lease is in force.
 */
export const ListedLease = z.object({
  leaseId: LeaseId,
  capabilityId: CapabilityId,
  credentialVersion: z.number().int(),
  grantedAt: Timestamp,
  expiresAt: Timestamp,
  endedAt: Timestamp.nullable(),
  endedBy: z.enum(['released', 'revoked', 'expired']).nullable(),
})

/** A page of leases. */
export const LeasePage = z.object({ items: z.array(ListedLease), nextCursor: LeaseId.nullable() })
