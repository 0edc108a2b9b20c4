/**
 * Leases on the wire: what a platform's worker sends and is answered, and what is inside the box that it is given. The
 * box is sealed to the worker's one-time key, so nobody between reads it.
 */
import { z } from 'zod'
import { DatasourceId, idOf, Timestamp } from './wire.ts'

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

/** Answer of `datasources.lease`: `sealed` is base64 of `crypto_box_seal` over the JSON of `LeasedCredential`. */
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
 * What the holder finds in the box. `addresses` are the numbers that were judged: nothing else is to be dialled, whatever
 * the host resolves to; the host is the TLS name. The string's sslmode is what was judged, too.
 */
export const LeasedCredential = z.object({
  connectionString: z.string(),
  caCertificate: z.string().optional(),
  addresses: z.array(z.union([z.ipv4(), z.ipv6()])).min(1),
  datasourceId: DatasourceId,
  version: z.number().int(),
  expiresAt: Timestamp,
})
export type LeasedCredential = z.output<typeof LeasedCredential>
