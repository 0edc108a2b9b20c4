/**
 * A port for a process that is started again and again: it has to be free at each start.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Answers a port that is free on loopback, below those that the system gives to whoever asks for any. */
export async function freePort(): Promise<number> {
  const port = 20_000 + randomInt(12_000)
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return port
  } catch {
    return freePort()
  } finally {
    server.close()
  }
}
