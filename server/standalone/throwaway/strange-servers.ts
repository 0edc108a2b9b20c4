/**
 * Servers other than a usual PostgreSQL, for tests of code that registers them: one without TLS, one that never
 * answers, a web server, and a standby. Each listens on a free loopback port. Called by `throwaway.ts`.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Ports of the servers. */
export interface StrangePorts {
  readonly withoutTls: number
  readonly silent: number
  readonly webServer: number
  readonly standby: number
}

/** The first message of a client that wants TLS: its length, and a number in place of a version. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const REFUSES_TLS = 'N'
const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

/** A running standby. */
interface Standby {
  readonly port: number
  stop(): Promise<void>
}

/**
 * Starts them; the stack stops them. `postgres` is the port of the embedded server. The standby starts when a client
 * connects for the first time: most tests never do.
 */
export async function startStrangeServers(
  { startStandby, postgres }: { readonly postgres: number; startStandby(): Promise<Standby> },
  cleanup: AsyncDisposableStack,
): Promise<StrangePorts> {
  let standby: Promise<Standby> | null = null
  const portOfStandby = async () => {
    standby ??= startStandby()
    return (await standby).port
  }
  cleanup.defer(async () => {
    // One that did not start has stopped itself, and its client was rejected.
    await (await standby?.catch(() => null))?.stop()
  })
  return {
    withoutTls: await listening(socket => withoutTls(socket, postgres), cleanup),
    silent: await listening(() => undefined, cleanup),
    webServer: await listening(socket => void socket.once('data', () => socket.end(BAD_REQUEST)), cleanup),
    standby: await listening(socket => void leadTo(socket, portOfStandby()), cleanup),
  }
}

/** Behaves like a server without a certificate: it says so, and continues in clear if the client does. */
function withoutTls(socket: Socket, postgres: number): void {
  socket.once('data', (first: Buffer) => {
    const asks = first.equals(SSL_REQUEST)
    if (asks) socket.write(REFUSES_TLS)
    else socket.unshift(first)
    void leadTo(socket, Promise.resolve(postgres))
  })
}

/** Forwards a connection to another port of this machine. */
async function leadTo(socket: Socket, to: Promise<number>): Promise<void> {
  // Nothing is read before the other connection is ready to receive it.
  socket.pause()
  const port = await to.catch(() => null)
  if (port === null || socket.destroyed) return void socket.destroy()
  const server = connect({ host: '127.0.0.1', port })
  server.on('error', () => socket.destroy())
  server.on('close', () => socket.destroy())
  socket.on('close', () => server.destroy())
  socket.pipe(server).pipe(socket)
}

/** Starts a server on a free port, and returns the port. Its connections end with it. */
async function listening(serve: (socket: Socket) => void, cleanup: AsyncDisposableStack): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer(socket => {
    open.add(socket)
    // A client that disconnects in the middle leaves nothing to do.
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.defer(() => closed(server, open))
  return (server.address() as AddressInfo).port // a TCP server's address is an object once it listens
}

async function closed(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  const end = once(server, 'close')
  server.close()
  for (const socket of open) socket.destroy()
  await end
}
