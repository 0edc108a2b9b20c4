/**
 * A customer's endpoint without any trust: a real HTTPS server on loopback that answers as each test sets, and records
 * its requests.
 *
 * A real DNS server resolves it as `api.acme.io`, with a certificate for that name from its own authority.
 */
import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer } from 'node:https'
import type { Server, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { EndpointRequest } from '#server/domain/feeds/endpoint.ts'
import { eventsRequest } from '#server/domain/feeds/feed-page.ts'
import type { EndpointReply } from '#server/net/endpoint/endpoint.ts'
import { requestEndpoint } from '#server/net/endpoint/endpoint.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import type { TlsPair } from '#server/standalone/embedded/certificate.ts'
import { type Authority, createAuthority } from '#test/support/dials/certificates.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'

/** One received request. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly servername: string | false | null
}

/** The stranger's answer. Its socket accepts raw bytes that HTTP would not produce. */
export type Mood = (response: ServerResponse, received: Received) => unknown

/** The parts of the installation that a test may replace: by default loopback is open and nothing is aborted. */
export interface Net {
  readonly openNetworks?: readonly string[]
  readonly signal?: AbortSignal
}

/** A running stranger. */
export interface Stranger {
  readonly authority: Authority
  readonly port: number
  /** The DNS server that resolves it, in the form of `MOORING_DNS_SERVERS`. */
  readonly dns: string
  readonly received: readonly Received[]
  /** The number of connections so far. */
  connections(): number
  /** Sets the answer to later requests. */
  be(mood: Mood): void
  /** Sends a signed request to it, as the worker would; arguments replace the defaults. */
  ask(request?: Partial<EndpointRequest>, net?: Net): Promise<EndpointReply>
  /** Resolves once every connection is closed. */
  isAlone(): Promise<void>
  close(): Promise<void>
}

/** The kind of stranger: by default one with a good certificate; null for one that speaks plain HTTP. */
export interface StrangerOptions {
  readonly certificate?: ((authority: Authority) => Promise<TlsPair>) | null
}

/** The signing key of `ask`. */
export const KEY = 'sk_test_the_key_of_the_stranger'

/** Starts a stranger that answers an empty page. */
export async function startStranger({ certificate }: StrangerOptions = {}): Promise<Stranger> {
  const authority = await createAuthority('Acme CA')
  const issue = certificate ?? (() => authority.issue({ names: ['api.acme.io'] }))
  const dns = await startDnsServer()
  dns.answer('api.acme.io', { addresses: ['127.0.0.1'] })
  const received: Received[] = []
  let mood: Mood = response => response.end('{"events":[]}')
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const one = await receive(request, response)
    received.push(one)
    await mood(response, one)
  }
  const server = certificate === null ? createHttpServer(listener) : createServer(await issue(authority), listener)
  const sockets = watch(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  return {
    authority,
    port,
    dns: dns.address,
    received,
    ...sockets,
    be: next => {
      mood = next
    },
    ask: asking({ authority, port, dns }),
    close: async () => {
      sockets.hangUp()
      server.close()
      await Promise.all([once(server, 'close'), dns.close()])
    },
  }
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<Received> {
  request.on('error', () => {})
  response.on('error', () => {})
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { method = '', url: path = '', headers, socket } = request
  const servername = 'servername' in socket ? (socket as TLSSocket).servername : null
  return { method, path, headers, body: Buffer.concat(chunks).toString(), servername }
}

function watch(server: Server) {
  const open = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted += 1
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
  })
  server.on('secureConnection', (socket: TLSSocket) => socket.on('error', () => socket.destroy()))
  return {
    connections: () => accepted,
    isAlone: async () => {
      await Promise.all([...open].map(socket => once(socket, 'close')))
    },
    hangUp: () => {
      for (const socket of open) socket.destroy()
    },
  }
}

function asking(found: { authority: Authority; port: number; dns: DnsServer }): Stranger['ask'] {
  return (request = {}, { openNetworks = ['127.0.0.0/8'], ...net } = {}) =>
    requestEndpoint(
      {
        url: `https://api.acme.io:${found.port}/source`,
        keys: [KEY],
        body: eventsRequest(null, 100),
        messageId: 'msg_1',
        timestampSeconds: Math.floor(Date.now() / 1_000),
        caCertificate: found.authority.cert,
        deadlineMs: 20_000,
        maxBytes: 1 << 20,
        ...request,
      },
      {
        policy: { openNetworks },
        resolver: createResolver({ servers: [found.dns.address], timeoutMs: 2_000 }),
        ...net,
      },
    )
}
