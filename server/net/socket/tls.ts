/**
 * TLS over a connected socket: what is offered, whom it trusts, and the codes of its failures.
 *
 * It must never use Node's roots if a CA was given, nor let a malformed certificate throw inside an event handler.
 * Called by the PostgreSQL session and by the dial of an endpoint.
 */
import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { FailureCode } from '#shared/faults/failure.ts'
import { refusedCertificate } from './refused-certificate.ts'
import { SessionError } from './session-error.ts'

/** Whom to trust, and what must be valid before a byte is sent. */
export interface Trust {
  /** A lower-case name or canonical IP literal; a name is also sent as SNI (RFC 6066 §3 allows no address there). */
  readonly host: string
  /** One or more certificates as PEM; null for Node's roots. */
  readonly caCertificate: string | null
  readonly verifyChain: boolean
  readonly verifyName: boolean
  readonly protocol: 'postgresql' | 'http/1.1'
  /** Prepared once by a caller who dials often; used if no CA is given. */
  readonly roots?: SecureContext | undefined
}

const MIN_VERSION = 'TLSv1.2'

/**
 * Node's roots and the installation's additional ones (PEM), ready for any number of handshakes. It holds no state of
 * any of them.
 */
export function nodeRoots(extraCa: string | null = null): SecureContext {
  const ca = extraCa === null ? {} : { ca: [...rootCertificates, ...readCertificates(extraCa)] }
  return createSecureContext({ minVersion: MIN_VERSION, ...ca })
}

/**
 * Encrypts a socket and verifies the peer; nothing is sent before. The caller destroys it on failure.
 *
 * The protocol is named in ALPN, as libpq does since 17: it ties the session to this use of the server's certificate.
 *
 * @throws `SessionError` in the stage tls, with the certificate that was refused; `certificate_untrusted` for an
 * unreadable CA.
 */
export async function shakeHands(socket: Socket, trust: Trust): Promise<TLSSocket> {
  const given = trust.caCertificate === null ? [] : readCertificates(trust.caCertificate)
  const encrypted = await handshake(socket, optionsOf(trust, given))
  const problem = trust.verifyChain && !encrypted.authorized ? String(encrypted.authorizationError) : null
  if (problem === null) return encrypted
  const certificate = refusedCertificate(encrypted.getPeerCertificate(true), given)
  encrypted.destroy()
  throw new SessionError(tlsFailure(problem), certificate === null ? {} : { certificate })
}

/**
 * Node does not reject by itself: it would destroy the connection, and we could not report the certificate. It still
 * verifies, and its verdict is checked before the socket is handed to anyone.
 */
function optionsOf(trust: Trust, given: readonly string[]): ConnectionOptions {
  return {
    host: trust.host,
    ...(isIP(trust.host) === 0 ? { servername: trust.host } : {}),
    ...(trust.caCertificate === null ? rooted(trust.roots) : { ca: [...given] }),
    ALPNProtocols: [trust.protocol],
    minVersion: MIN_VERSION,
    rejectUnauthorized: false,
    checkServerIdentity: trust.verifyName ? nameProblem : () => undefined,
  }
}

function rooted(roots: SecureContext | undefined): ConnectionOptions {
  return roots === undefined ? {} : { secureContext: roots }
}

function handshake(socket: Socket, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new SessionError('tls_handshake_failed'))
    try {
      const encrypted = connect({ ...options, socket })
      encrypted.on('error', fail)
      encrypted.once('close', fail)
      encrypted.once('secureConnect', () => {
        encrypted.disableRenegotiation()
        resolve(encrypted)
      })
    } catch {
      fail()
    }
  })
}

/** True if the peer's certificate is for this host. Says nothing about its chain. */
export function nameHolds(socket: TLSSocket, host: string): boolean {
  return nameProblem(host, socket.getPeerCertificate()) === undefined
}

/**
 * Node uses its own roots for an empty `ca` and trusts nobody for an unreadable one: reject anything but certificates
 * here.
 */
function readCertificates(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    for (const block of blocks) new X509Certificate(block)
  } catch {
    throw new SessionError('certificate_untrusted')
  }
  if (blocks.length === 0) throw new SessionError('certificate_untrusted')
  return blocks
}

/**
 * Node's name check throws on malformed alternative names, inside an event handler, which would end the whole process.
 */
function nameProblem(host: string, certificate: PeerCertificate): Error | undefined {
  try {
    return checkServerIdentity(host, certificate)
  } catch (error) {
    return error instanceof Error ? error : new Error('certificate name')
  }
}

/** Maps Node's and OpenSSL's certificate error names to failures. Anything else is a failed handshake. */
function tlsFailure(code: string): FailureCode {
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'certificate_expired'
  if (code.startsWith('ERR_TLS_CERT_ALTNAME_')) return 'certificate_name_mismatch'
  return 'certificate_untrusted'
}
