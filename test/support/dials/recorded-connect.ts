/**
 * Replaces `net.connect` in `dial`: records the address of each connection, and connects to a listener on loopback
 * instead, so that no test ever reaches a public address.
 */
import { once } from 'node:events'
import net from 'node:net'
import type { Connect } from '#server/net/socket/connect-first.ts'

/** A running stand-in. `numbers` are the connections in order, as `address port`. */
export interface RecordedConnect {
  readonly connect: Connect
  readonly numbers: string[]
  close(): Promise<void>
}

/** Starts the listener that replaces every public address. */
export async function startRecordedConnect(): Promise<RecordedConnect> {
  const accepted = new Set<net.Socket>()
  const listener = net.createServer(socket => {
    accepted.add(socket)
    socket.on('error', () => socket.destroy())
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const numbers: string[] = []
  return {
    connect: (address, port) => {
      numbers.push(`${address} ${port}`)
      return net.connect({ host: '127.0.0.1', port: portOf(listener) })
    },
    numbers,
    close: async () => {
      for (const socket of accepted) socket.destroy()
      listener.close()
      await once(listener, 'close')
    },
  }
}

/** The port that a listening server has. */
export function portOf(server: net.Server): number {
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server does not listen on TCP')
  return address.port
}
