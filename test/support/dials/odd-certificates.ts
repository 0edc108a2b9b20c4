/**
 * Certificates that `selfsigned` does not make: intermediates, authorities of another time with the same key, and
 * Ed25519.
 */
import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  cryptoProvider,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { TlsPair } from '#server/standalone/embedded/certificate.ts'

const DAY_MS = 24 * 3600 * 1000
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const ED25519 = { name: 'Ed25519' } as const

/** A key pair and its certificate, as objects and as PEM. */
export interface MadeCertificate extends TlsPair {
  readonly keys: webcrypto.CryptoKeyPair
  readonly subject: string
  readonly algorithm: typeof ECDSA | typeof ED25519
}

/** The properties of a certificate. */
export interface CertificateRequest {
  /** A distinguished name, such as `CN=Root, O=Acme`. */
  readonly subject: string
  readonly isAuthority?: boolean
  readonly names?: readonly string[]
  readonly addresses?: readonly string[]
  /** The signer; by default itself. */
  readonly issuer?: MadeCertificate
  /** An existing key pair; by default a new one. */
  readonly keys?: webcrypto.CryptoKeyPair
  readonly isEd25519?: boolean
  /** Days from now; by default from yesterday to tomorrow. */
  readonly fromDays?: number
  readonly toDays?: number
}

/** Creates a certificate. */
export async function makeCertificate(certificateRequest: CertificateRequest): Promise<MadeCertificate> {
  cryptoProvider.set(webcrypto)
  const algorithm = certificateRequest.isEd25519 === true ? ED25519 : ECDSA
  // Sound: both algorithms produce a pair.
  const made = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const keys = certificateRequest.keys ?? made
  const { issuer } = certificateRequest
  const certificate = await X509CertificateGenerator.create({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
      .toString('hex')
      .replace(/^./, '1'),
    subject: certificateRequest.subject,
    issuer: issuer?.subject ?? certificateRequest.subject,
    notBefore: new Date(Date.now() + (certificateRequest.fromDays ?? -1) * DAY_MS),
    notAfter: new Date(Date.now() + (certificateRequest.toDays ?? 1) * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: issuer?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: issuer?.algorithm ?? algorithm,
    extensions: extensionsOf(certificateRequest),
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const lines = key.toString('base64').match(/.{1,64}/g) ?? []
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
    keys,
    subject: certificateRequest.subject,
    algorithm,
  }
}

function extensionsOf({ isAuthority = false, names = [], addresses = [] }: CertificateRequest) {
  const alternative = [
    ...names.map(value => ({ type: 'dns' as const, value })),
    ...addresses.map(value => ({ type: 'ip' as const, value })),
  ]
  return [
    new BasicConstraintsExtension(isAuthority, undefined, true),
    ...(isAuthority ? [new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)] : []),
    ...(alternative.length === 0 ? [] : [new SubjectAlternativeNameExtension(alternative)]),
  ]
}
