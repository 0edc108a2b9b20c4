/**
 * From an endpoint's URL to a connection that a signed request may be sent over: dialled to a judged number, TLS
 * verified by chain and by name.
 *
 * Nothing weaker passes, but clear text inside a network that the installation has opened: TLS alone tells the customer's
 * endpoint from whoever answers at its address. Called by `endpoint.ts`.
 */
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { HostPolicy } from '#server/domain/network/host-policy.ts'
import { unlessAborted } from '#server/net/socket/deadline.ts'
import { DialError, dial } from '#server/net/socket/dial.ts'
import type { Resolver } from '#server/net/socket/resolver.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import { shakeHands } from '#server/net/socket/tls.ts'
import type { EndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import type { Stage } from '#shared/faults/failure.ts'

/** The parts of the installation that a request needs. `signal` is the deadline of the whole. */
export interface EndpointNet {
  readonly policy: HostPolicy
  readonly resolver: Resolver
  readonly signal: AbortSignal
  /** The roots of whoever dials often, made once; used where no CA is given. */
  readonly roots?: SecureContext | undefined
}

/** A connection in the making, kept up to date on the way so that a failure leaves what was found before it. */
export interface EndpointLink {
  /** To be destroyed by the caller, however it ends. */
  socket: Socket | null
  passed: Stage | null
  addresses: readonly string[]
  tls: { readonly protocol: string; readonly verified: boolean } | null
}

/** The address, the trust anchors (PEM; null for Node's roots), and the time limit. */
export interface LinkTarget {
  readonly url: EndpointUrl
  readonly caCertificate: string | null
  readonly connectTimeoutMs: number
}

/**
 * Connects. When it returns, `link.passed` is `tls` and the returned socket is ready for the request.
 *
 * @throws {SessionError} of the stages resolve, policy, connect and tls
 */
export async function connectEndpoint(target: LinkTarget, net: EndpointNet, link: EndpointLink): Promise<Socket> {
  const { url, connectTimeoutMs } = target
  const { socket, open } = await dialInto(link, { ...net, ...place(url), connectTimeoutMs })
  if (!url.secure) {
    if (!open) throw new SessionError('cleartext_refused')
    link.passed = 'tls'
    return socket
  }
  const { host } = url
  const trust = { host, caCertificate: target.caCertificate, verifyChain: true, verifyName: true } as const
  const handshake = shakeHands(socket, { ...trust, protocol: 'http/1.1', roots: net.roots })
  const encrypted = await unlessAborted(net.signal, handshake)
  link.socket = encrypted
  link.tls = { protocol: encrypted.getProtocol() ?? 'unknown', verified: encrypted.authorized }
  link.passed = 'tls'
  return encrypted
}

function place(url: EndpointUrl) {
  return { host: url.host, port: url.port, purpose: 'https' as const }
}

async function dialInto(link: EndpointLink, request: Parameters<typeof dial>[0]) {
  try {
    const dialled = await dial(request)
    link.socket = dialled.socket
    link.addresses = dialled.addresses
    link.passed = 'connect'
    return dialled
  } catch (error) {
    if (!(error instanceof DialError)) throw error
    link.addresses = error.addresses
    link.passed = error.passed
    throw new SessionError(error.failure.code)
  }
}
