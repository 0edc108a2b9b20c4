/**
 * A way to a server that can be cut in both manners: closed, or silent without a word, as when a machine vanishes.
 */
import { once } from 'node:events'
import net from 'node:net'
import { portOf } from '#test/support/dials/recorded-connect.ts'

/** A way through which connections go. */
export interface Way {
  /** As the server's own, through here. */
  readonly url: string
  readonly port: number
  /** Says nothing more, in both directions; nobody is told. */
  silence(): void
  /** The same on the connections that are open now alone: those that come are served. */
  silenceOpen(): void
  /** Goes on with what is said from now on. */
  speak(): void
  /** Takes no more connections, and breaks those that there are. */
  close(): void
}

/** Opens a way to the server of a connection string. The test closes it. */
export async function openWay(to: string): Promise<Way> {
  const target = new URL(to)
  const sockets = new Set<net.Socket>()
  const silenced = new WeakSet<net.Socket>()
  let isSilent = false
  const server = net.createServer(client => {
    const upstream = net.connect(Number(target.port), target.hostname)
    const relay = (from: net.Socket, into: net.Socket) => {
      sockets.add(from)
      from.on('data', chunk => !isSilent && !silenced.has(from) && into.write(chunk))
      from.on('close', () => sockets.delete(from) && into.destroy())
      from.on('error', () => undefined)
    }
    relay(client, upstream)
    relay(upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(target)
  url.port = String(portOf(server))
  return {
    url: url.href,
    port: portOf(server),
    silence: () => {
      isSilent = true
    },
    silenceOpen: () => {
      for (const socket of sockets) silenced.add(socket)
    },
    speak: () => {
      isSilent = false
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
