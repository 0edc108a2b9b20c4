/**
 * A TCP path to a server that can become a black hole: nothing passes, no connection is closed or refused, and bytes
 * under way arrive when the path opens again, as in a network that drops packets. It is the test's own proxy, so that
 * it needs no firewall.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { portOf } from '#test/support/dials/recorded-connect.ts'

/** A TCP path. */
export interface Way {
  readonly port: number
  swallow(): void
  open(): void
  /** Closes it, and every connection through it. */
  close(): void
}

/** Opens a path to a port of this machine. */
export async function openWay(to: number): Promise<Way> {
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  let isHole = false
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, client => {
    track(sockets, client)
    const join = () => pair(client, { to, sockets, isHole: () => isHole })
    if (isHole) waiting.add(join)
    else join()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: portOf(server),
    swallow() {
      isHole = true
      for (const socket of sockets) socket.pause()
    },
    open() {
      isHole = false
      for (const socket of sockets) socket.resume()
      for (const join of waiting) join()
      waiting.clear()
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

interface Pairing {
  readonly to: number
  readonly sockets: Set<Socket>
  isHole(): boolean
}

function pair(client: Socket, { to, sockets, isHole }: Pairing): void {
  // Closed while it waited: the server never hears of it.
  if (client.destroyed) return
  const server = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true })
  track(sockets, server)
  for (const [from, into] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on('data', chunk => into.write(chunk))
    from.on('end', () => into.end())
    from.on('error', () => into.destroy())
    // The close of a client that gives up behind the hole does not arrive.
    from.on('close', () => !isHole() && into.destroy())
  }
  if (isHole()) server.pause()
  client.resume()
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => sockets.delete(socket))
}
