/**
 * Leases on the wire: what a platform's worker sends and is answered, and what is inside the box that it is given. The
 * box is sealed to the worker's one-time key, so nobody between reads it.
 */
import { z } from 'zod'
import { DatasourceId, idOf, Mode, Timestamp } from '#shared/base/wire.ts'

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
 * The content of the box: `lease` is the JSON text of a `LeasedCredential`, and each signature is base64 of an Ed25519
 * signature over `leaseBytes(lease)`, one for each lease key of the worker. A box says nothing of who sealed it: without a
 * valid signature nothing in the text is to be believed, not even parsed.
 */
export const SignedLease = z.object({
  lease: z.string().max(65_536),
  signatures: z.array(z.object({ keyId: z.string().max(40), signature: z.base64() })).max(16),
})
export type SignedLease = z.output<typeof SignedLease>

/**
 * The leased credential, and what it is bound to. `addresses` are the numbers that were judged: nothing else is to be
 * dialled, whatever the host resolves to; the host is the TLS name. The string's sslmode was judged, too. `id` is the
 * lease's, `publicKey` the key that the holder sent, as they sent it.
 */
export const LeasedCredential = z.object({
  connectionString: z.string(),
  caCertificate: z.string().optional(),
  /** The password may be sent as MD5 under that certificate: it was in use so before this was refused. */
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
