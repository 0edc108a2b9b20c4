/**
 * A listener that must see no connection: the destination of an attack.
 * Tests assert afterwards that it saw none.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { portOf } from './recorded-connect.ts'

/** A running trap, on 127.0.0.1. */
export interface Trap {
  readonly port: number
  /** The number of connections. */
  connections(): number
  close(): Promise<void>
}

/** Starts a trap. */
export async function startTrap(): Promise<Trap> {
  let count = 0
  const server = createServer(socket => {
    count += 1
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: portOf(server),
    connections: () => count,
    close: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
