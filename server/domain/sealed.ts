/**
 * What sealed things look like outside the box, and what is inside: plain types that `store`, `seal`, `api` and `work`
 * agree on. The plaintext types occur in the worker, and in the web process only on their way into a box.
 */
import { z } from 'zod'
import type { Target } from '#shared/connection-string.ts'

/** A sealed box with the id of the organization key it is sealed to, signed together with its context. */
export interface SealedBox {
  readonly keyId: string
  readonly box: Buffer
  readonly signerId: string
  readonly signature: Buffer
}

/** The row that a credential's box belongs to. It is signed with the box and repeated inside it. */
export interface CredentialContext {
  readonly organizationId: string
  readonly datasourceId: string
  readonly version: number
}

/** The task that a payload belongs to. */
export interface TaskContext {
  readonly organizationId: string
  readonly taskId: string
}

/** An organization's key as its row has it. */
export interface OrganizationKeyRow {
  readonly organizationId: string
  readonly id: string
  readonly publicKey: Buffer
  readonly signerId: string
  readonly signature: Buffer
  readonly retiredAt: Date | null
}

/** The same row with the secret half, still sealed to a master key. The web tier never reads it. */
export interface WrappedOrganizationKey extends OrganizationKeyRow {
  readonly secret: Buffer
  readonly masterKeyId: string
}

const TargetShape = z.custom<Target>(value => typeof value === 'object' && value !== null && 'host' in value)

/** What a credential is: everything that a dial needs, so that no display column ever steers one. */
export const Secret = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('direct'),
    target: TargetShape,
    caCertificate: z.string().nullable(),
    /** Whether it may name another host, port or database than the credential that it replaces. */
    allowMove: z.boolean().optional(),
    /** Whether the CA certificate in force goes on: nothing was said of it, and without it less would be verified. */
    keepCertificate: z.boolean().optional(),
  }),
  z.object({ kind: z.literal('endpoint'), url: z.string(), signingKey: z.string() }),
  /** A signing key alone; the worker joins it with the URL of the current credential. */
  z.object({ kind: z.literal('signing-key'), signingKey: z.string() }),
  /** A CA certificate alone; the worker joins it with the target of the current credential. */
  z.object({ kind: z.literal('ca-certificate'), caCertificate: z.string().nullable() }),
  /** A string that the caller sealed; the worker opens it, compares the projection, and seals it again as `direct`. */
  z.object({
    kind: z.literal('client-sealed'),
    box: z.string(),
    keyId: z.string(),
    projection: z.object({ host: z.string(), port: z.number().int(), database: z.string() }),
    caCertificate: z.string().nullable(),
    allowMove: z.boolean().optional(),
    /** Whether the CA certificate in force goes on: nothing was said of it, and without it less would be verified. */
    keepCertificate: z.boolean().optional(),
  }),
])
export type Secret = z.infer<typeof Secret>

/** A box as the one column of a task's payload. */
export function packBox(sealed: SealedBox): Buffer {
  const { keyId, signerId } = sealed
  return Buffer.from(
    JSON.stringify({
      keyId,
      signerId,
      box: sealed.box.toString('base64'),
      signature: sealed.signature.toString('base64'),
    }),
  )
}

const Packed = z.object({ keyId: z.uuid(), signerId: z.string(), box: z.base64(), signature: z.base64() })

/** The box in a column; null when it is none. Nothing is believed of it yet: its signature is checked when it is opened. */
export function unpackBox(column: Buffer): SealedBox | null {
  const parsed = Packed.safeParse(parseJson(column.toString('utf8')))
  if (!parsed.success) return null
  const { keyId, signerId, box, signature } = parsed.data
  return { keyId, signerId, box: Buffer.from(box, 'base64'), signature: Buffer.from(signature, 'base64') }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
