/**
 * A way to a server that can be cut in both manners: closed, or silent without a word, as when a machine vanishes.
 */
import { once } from 'node:events'
import net from 'node:net'
import { portOf } from './recorded-connect.ts'

/** A way through which connections go. */
export interface Way {
  /** As the server's own, through here. */
  readonly url: string
  readonly port: number
  /** Says nothing more, in both directions; nobody is told. */
  silence(): void
  /** Goes on with what is said from now on. */
  speak(): void
  /** Takes no more connections, and breaks those that there are. */
  close(): void
}

/** Opens a way to the server of a connection string. The test closes it. */
export async function openWay(to: string): Promise<Way> {
  const target = new URL(to)
  const sockets = new Set<net.Socket>()
  let isSilent = false
  const server = net.createServer(client => {
    const upstream = net.connect(Number(target.port), target.hostname)
    for (const [from, into] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', chunk => !isSilent && into.write(chunk))
      from.on('close', () => {
        sockets.delete(from)
        into.destroy()
      })
      from.on('error', () => undefined)
    }
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
    speak: () => {
      isSilent = false
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
