/**
 * Opens a connection from an endpoint's URL, ready for a signed request: dialled to a judged address, with TLS verified
 * by chain and by name.
 *
 * The only weaker link allowed is clear text inside a network that the installation has opened: TLS is the only proof
 * that the customer's endpoint answers at its address. Called by `endpoint.ts`.
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

/** The parts of the installation that a request needs. `signal` is the deadline of the whole request. */
export interface EndpointNet {
  readonly policy: HostPolicy
  readonly resolver: Resolver
  readonly signal: AbortSignal
  /** Trusted roots, prepared once by a caller who dials often; used if no CA is given. */
  readonly roots?: SecureContext | undefined
}

/** A connection in progress, updated along the way so that a failure still reports what was found before it. */
export interface EndpointLink {
  /** The caller must destroy it, whatever the outcome. */
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
 * Connects. On return, `link.passed` is `tls` and the socket is ready for the request.
 *
 * @throws {SessionError} in the stages resolve, policy, connect and tls
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
