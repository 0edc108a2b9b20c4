/**
 * The content of a lease as a driver needs it: addresses to connect to, the login, and the TLS rules, which are those
 * that the credential was verified with. Used only by `node.ts`.
 */
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { LeasedCredential } from '#shared/access/lease.ts'
import { parseConnectionString, type Target } from '#shared/connection-string/connection-string.ts'
import { withEncodedName } from '#shared/connection-string/connection-string-text.ts'

/** The options for Node's TLS that the driver passes on. */
export interface TlsOptions {
  readonly servername?: string
  readonly ca?: string
  readonly minVersion: 'TLSv1.2'
  readonly rejectUnauthorized: boolean
  readonly checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined
}

/** The addresses and options of a connection. */
export interface LeasedPlace {
  /** Allowed IP addresses; the client connects to nothing else. */
  readonly addresses: readonly string[]
  readonly target: Omit<Target, 'password'>
  /** `prefer` encrypts if the server offers it. It occurs only for networks that the installation has opened. */
  readonly encrypt: 'never' | 'prefer' | 'always'
  readonly tls: TlsOptions
  /** Whether MD5 is allowed under the CA certificate that came with the lease. A password in clear never is. */
  readonly md5Allowed: boolean
  /** Returns the password. Throws after it has been wiped. */
  password(): string
  /** Forgets the password, as far as JavaScript allows. */
  wipe(): void
}

/** Parses a lease. Throws if its connection string is invalid; the error contains none of it. */
export function openLeasedPlace(credential: LeasedCredential): LeasedPlace {
  const parsed = parseConnectionString(withEncodedName(credential.connectionString))
  if (!parsed.ok) throw new Error('the leased connection string cannot be read')
  const { password, ...target } = parsed.target
  const bytes = new TextEncoder().encode(password)
  let isWiped = false
  const { tlsMode, host } = target
  const ca = credential.caCertificate
  // `require` with a CA certificate means `verify-ca`, as in libpq.
  const verifyChain =
    tlsMode === 'verify-full' || tlsMode === 'verify-ca' || (tlsMode === 'require' && ca !== undefined)
  const verifyName = tlsMode === 'verify-full'
  return {
    addresses: credential.addresses,
    target,
    encrypt: tlsMode === 'disable' ? 'never' : tlsMode === 'prefer' || tlsMode === 'allow' ? 'prefer' : 'always',
    tls: {
      // SNI does not allow an address (RFC 6066 §3).
      ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
      ...(ca === undefined ? {} : { ca }),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: verifyChain,
      checkServerIdentity: (_, certificate) => (verifyName ? checkServerIdentity(host, certificate) : undefined),
    },
    md5Allowed: credential.md5Allowed === true,
    password() {
      if (isWiped) throw new Error('the lease has ended')
      return new TextDecoder().decode(bytes)
    },
    wipe() {
      isWiped = true
      bytes.fill(0)
    },
  }
}
