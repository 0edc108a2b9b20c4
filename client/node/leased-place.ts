/**
 * The content of a lease, as a driver needs it: addresses to connect to, the login, and the TLS rules. The same rules as those
 * that the credential was verified with. Used by `node.ts` alone.
 */
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { LeasedCredential } from '#shared/access/lease.ts'
import { parseConnectionString, type Target } from '#shared/connection-string/connection-string.ts'
import { withEncodedName } from '#shared/connection-string/connection-string-text.ts'

/** Options of Node's TLS, as the driver passes them on. */
export interface TlsOptions {
  readonly servername?: string
  readonly ca?: string
  readonly minVersion: 'TLSv1.2'
  readonly rejectUnauthorized: boolean
  readonly checkServerIdentity: (host: string, certificate: PeerCertificate) => Error | undefined
}

/** The addresses and options of a connection. */
export interface LeasedPlace {
  /** Judged numbers; nothing else is connected to. */
  readonly addresses: readonly string[]
  readonly target: Omit<Target, 'password'>
  /** `prefer` encrypts where the server offers it; only networks that the installation has opened come with it. */
  readonly encrypt: 'never' | 'prefer' | 'always'
  readonly tls: TlsOptions
  /** Whether MD5 goes on under the CA certificate that came with the lease. A password in clear never does. */
  readonly md5Allowed: boolean
  /** The password. Throws once it was wiped. */
  password(): string
  /** Forgets the password, as far as JavaScript lets one. */
  wipe(): void
}

/** Reads a lease. Throws when its string cannot be read; nothing of it is in the error. */
export function openLeasedPlace(credential: LeasedCredential): LeasedPlace {
  const parsed = parseConnectionString(withEncodedName(credential.connectionString))
  if (!parsed.ok) throw new Error('the leased connection string cannot be read')
  const { password, ...target } = parsed.target
  const bytes = new TextEncoder().encode(password)
  let isWiped = false
  const { tlsMode, host } = target
  const ca = credential.caCertificate
  // `require` with a CA is `verify-ca`, as in libpq.
  const verifyChain =
    tlsMode === 'verify-full' || tlsMode === 'verify-ca' || (tlsMode === 'require' && ca !== undefined)
  const verifyName = tlsMode === 'verify-full'
  return {
    addresses: credential.addresses,
    target,
    encrypt: tlsMode === 'disable' ? 'never' : tlsMode === 'prefer' || tlsMode === 'allow' ? 'prefer' : 'always',
    tls: {
      // An address has no place in SNI (RFC 6066 §3).
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
