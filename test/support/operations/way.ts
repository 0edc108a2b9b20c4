/**
 * A path to a server that can be cut in both ways:
 * closed, or silent, as when a machine vanishes.
 */
import { once } from 'node:events'
import net from 'node:net'
import { portOf } from '#test/support/dials/recorded-connect.ts'

/** A path for connections. */
export interface Way {
  /** The server's URL, through this path. */
  readonly url: string
  readonly port: number
  /** Forwards nothing more, in both directions, without closing. */
  silence(): void
  /** The bytes that a silent path has kept from the server. */
  held(): number
  /** Silences the open connections alone: new ones are served. */
  silenceOpen(): void
  /** Forwards again from now on. */
  speak(): void
  /** Accepts no more connections, and breaks the open ones. */
  close(): void
}

/** Opens a path to the server of a connection string. The test closes it. */
export async function openWay(to: string): Promise<Way> {
  const target = new URL(to)
  const sockets = new Set<net.Socket>()
  const silenced = new WeakSet<net.Socket>()
  const now = { isSilent: false, held: 0 }
  const server = net.createServer(client => {
    const upstream = net.connect(Number(target.port), target.hostname)
    const relay = (from: net.Socket, into: net.Socket) => {
      sockets.add(from)
      from.on('data', chunk => {
        if (now.isSilent || silenced.has(from)) now.held += from === client ? chunk.length : 0
        else into.write(chunk)
      })
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
    silence: () => void Object.assign(now, { isSilent: true }),
    held: () => now.held,
    silenceOpen: () => {
      for (const socket of sockets) silenced.add(socket)
    },
    speak: () => void Object.assign(now, { isSilent: false }),
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
