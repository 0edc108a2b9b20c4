/**
 * The meaning of each sslmode, and PostgreSQL's way of starting TLS: a request in clear, one byte of answer, a
 * handshake.
 *
 * It must never fall back to clear text if encryption was requested, nor treat a byte received before the handshake as
 * if it had arrived inside it (CVE-2021-23222). Called by the session, before the driver exists.
 */
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { unlessAborted } from '#server/net/socket/deadline.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import { nameHolds, shakeHands } from '#server/net/socket/tls.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import type { FailureCode } from '#shared/faults/failure.ts'

/** The meaning of a TLS mode for a host. */
export interface TlsPlan {
  /** `prefer`: clear text if the server offers nothing else. */
  readonly encrypt: 'never' | 'prefer' | 'always'
  readonly verifyChain: boolean
  readonly verifyName: boolean
}

/** How a link is secured. */
export interface Link {
  readonly socket: Socket
  /** `verified`: the chain is valid, against the given CA or else Node's roots. */
  readonly tls: { readonly protocol: string; readonly verified: boolean } | null
  /** True if chain and name are both valid, whether or not the mode required it. */
  readonly serverVerified: boolean
}

/** The requirements for the link. */
export interface LinkRequest {
  readonly target: Target
  readonly caCertificate: string | null
  /** True if the installation has opened the host's networks, the only ones in which clear text is allowed. */
  readonly open: boolean
  readonly signal: AbortSignal
  readonly roots?: SecureContext | undefined
}

const CLEAR = { tls: null, serverVerified: false } as const

/**
 * Plans libpq's modes. Outside opened networks `prefer` and `allow` mean `require`; inside, `allow` is `prefer`, which
 * encrypts if possible. `require` with a CA is `verify-ca`, as in libpq.
 *
 * @throws `SessionError` `tls_required` for `disable` outside opened networks.
 */
export function planTls(mode: Target['tlsMode'], host: { open: boolean; caGiven: boolean }): TlsPlan {
  if (mode === 'disable') {
    if (!host.open) throw new SessionError('tls_required')
    return { encrypt: 'never', verifyChain: false, verifyName: false }
  }
  if ((mode === 'prefer' || mode === 'allow') && host.open) {
    return { encrypt: 'prefer', verifyChain: false, verifyName: false }
  }
  const verifyName = mode === 'verify-full'
  return { encrypt: 'always', verifyChain: verifyName || mode === 'verify-ca' || host.caGiven, verifyName }
}

/**
 * Secures a connected socket as the target requires. On failure the caller destroys the socket.
 *
 * @throws `SessionError` in the stages tls, connect, database or protocol.
 */
export async function secure(socket: Socket, request: LinkRequest): Promise<Link> {
  const { target, caCertificate, open, signal, roots } = request
  const plan = planTls(target.tlsMode, { open, caGiven: caCertificate !== null })
  if (plan.encrypt === 'never') return { socket, ...CLEAR }
  const direct = target.sslNegotiation === 'direct'
  if (!direct && !(await unlessAborted(signal, askForTls(socket)))) {
    if (plan.encrypt === 'always') throw new SessionError('tls_not_offered')
    return { socket, ...CLEAR }
  }
  const trust = { ...plan, host: target.host, caCertificate, protocol: 'postgresql', roots } as const
  const encrypted = await unlessAborted(signal, shakeHands(socket, trust))
  // As libpq does: otherwise an attacker could redirect us to a TLS server of another protocol.
  if (direct && encrypted.alpnProtocol !== 'postgresql') throw new SessionError('tls_handshake_failed')
  const tls = { protocol: encrypted.getProtocol() ?? 'unknown', verified: encrypted.authorized }
  return { socket: encrypted, tls, serverVerified: tls.verified && nameHolds(encrypted, target.host) }
}

/** Sends SSLRequest and returns whether the server accepts TLS. */
function askForTls(socket: Socket): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new SessionError('connection_lost'))
    socket.once('close', lost)
    socket.once('data', (answer: Buffer) => {
      socket.off('close', lost)
      const text = answer.toString('latin1', 0, 4)
      if (text !== 'S' && text !== 'N') return reject(new SessionError(strangeAnswer(text)))
      // In clear text the next bytes belong to the session; they wait until it listens.
      if (text === 'N') socket.pause()
      resolve(text === 'S')
    })
    const request = Buffer.alloc(8)
    request.writeInt32BE(8, 0)
    request.writeInt32BE(80877103, 4)
    socket.write(request)
  })
}

function strangeAnswer(text: string): FailureCode {
  // The sender of this error is not authenticated, so its text is ignored (CVE-2024-10977).
  if (text.startsWith('E')) return 'server_error'
  return text.startsWith('SSH-') || !/^[SN]/.test(text) ? 'not_postgres' : 'protocol_violation'
}
