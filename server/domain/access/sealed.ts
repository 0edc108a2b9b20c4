/**
 * The envelope and the content of sealed boxes: plain types shared by `store`, `seal`, `api` and `work`. The plaintext
 * types occur in the worker, and in the web process only on their way into a box.
 */
import { z } from 'zod'
import type { Target } from '#shared/connection-string/connection-string.ts'

/** A sealed box with the id of the organization key that it is sealed to, signed together with its context. */
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

/** An organization's key as stored in its row. */
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

/** A keyed hash of a credential, and the id of the key that it was made with. */
export interface Fingerprint {
  readonly keyId: string
  readonly text: string
}

/**
 * The requester of a credential, recorded by the web tier in the signed box: the worker's audit event of the rotation
 * names them. Never an operator: operators do not use the web tier.
 */
export const RequestedBy = z.object({
  kind: z.enum(['key', 'capability']),
  id: z.uuid(),
  requestId: z.string().nullable(),
  address: z.string().nullable(),
})
export type RequestedBy = z.infer<typeof RequestedBy>

const asked = { requestedBy: RequestedBy.optional() }

/** A new connection string, in clear or sealed by its caller. */
const stated = {
  ...asked,
  /** True if it may name a host, port or database other than that of the credential that it replaces. */
  allowMove: z.boolean().optional(),
  /** Set if no CA certificate was mentioned: an equal string keeps the current one, and any other string is refused. */
  keepCertificate: z.boolean().optional(),
}

const TargetShape = z.custom<Target>(value => typeof value === 'object' && value !== null && 'host' in value)

/** The content of a credential: everything that a dial needs, so that no display column ever decides where to dial. */
export const Secret = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('direct'),
    target: TargetShape,
    caCertificate: z.string().nullable(),
    ...stated,
  }),
  z.object({ kind: z.literal('endpoint'), url: z.string(), signingKey: z.string(), ...asked }),
  /** A signing key alone; the worker combines it with the URL of the current credential. */
  z.object({ kind: z.literal('signing-key'), signingKey: z.string(), ...asked }),
  /**
   * A CA certificate alone, possibly left behind by an earlier release. It is refused: no stored password is sent under
   * it.
   */
  z.object({ kind: z.literal('ca-certificate'), caCertificate: z.string().nullable() }),
  /**
   * The box that the caller sealed; the worker opens it, compares it with its declaration, and seals it again as
   * `direct`. A CA certificate must be inside the box: someone could have put one outside it next to another caller's
   * box, so that one is refused.
   */
  z.object({
    kind: z.literal('client-sealed'),
    box: z.string(),
    keyId: z.string(),
    projection: z.object({ host: z.string(), port: z.number().int(), database: z.string() }),
    caCertificate: z.string().nullable(),
    ...stated,
  }),
])
export type Secret = z.infer<typeof Secret>
/** A secret in the forms that this release accepts. */
export type BroughtSecret = Exclude<Secret, { kind: 'ca-certificate' }>

/** Encodes a box as a task's single payload column. */
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

/** The box in a column; null if there is none. It is not verified yet: opening it verifies the signature. */
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
