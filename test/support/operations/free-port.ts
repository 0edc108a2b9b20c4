/**
 * A port for a process that is started repeatedly:
 * it must be free at each start.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Returns a free port on loopback, below the system's range of ephemeral ports. */
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
