/**
 * Certificates for the tests' TLS servers:
 * our own authority and its certificates, good or bad in one named way.
 */
import { generate } from 'selfsigned'
import type { TlsPair } from '#server/standalone/embedded/certificate.ts'

const DAY_MS = 24 * 3600 * 1000

/** The names and validity of a certificate. */
export interface CertificateOptions {
  readonly names?: readonly string[]
  readonly addresses?: readonly string[]
  /** Days from now; by default from yesterday to tomorrow. */
  readonly fromDays?: number
  readonly toDays?: number
}

/** A certificate authority that nobody else trusts. */
export interface Authority extends TlsPair {
  issue(options: CertificateOptions): Promise<TlsPair>
}

/** Creates an authority. */
export async function createAuthority(name: string): Promise<Authority> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...dates({}),
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const pair = { cert: made.cert, key: made.private }
  return { ...pair, issue: options => certificate(options, pair) }
}

/** A self-signed certificate. */
export function selfSigned(options: CertificateOptions): Promise<TlsPair> {
  return certificate(options)
}

async function certificate(options: CertificateOptions, issuer?: TlsPair): Promise<TlsPair> {
  const made = await generate([{ name: 'commonName', value: 'server' }], {
    ...dates(options),
    keyType: 'ec',
    algorithm: 'sha256',
    ...(issuer === undefined ? {} : { ca: issuer }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...(options.names ?? []).map(value => ({ type: 2 as const, value })),
          ...(options.addresses ?? []).map(ip => ({ type: 7 as const, ip })),
        ],
      },
    ],
  })
  return { cert: made.cert, key: made.private }
}

function dates({ fromDays = -1, toDays = 1 }: CertificateOptions) {
  const now = Date.now()
  return { notBeforeDate: new Date(now + fromDays * DAY_MS), notAfterDate: new Date(now + toDays * DAY_MS) }
}
