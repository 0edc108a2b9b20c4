/**
 * The port of an embedded server: free, below the range that the system uses for outgoing connections (32768 on Linux),
 * and the same at each start if possible, so that a printed connection string stays valid.
 *
 * Called by `server/standalone/embedded/embedded.ts`.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'

const LOWEST = 20_000
const ABOVE_HIGHEST = 32_768
const TRIES = 100

/**
 * Returns the port remembered in `file` if it is free, else another one. Another program may take it before the server
 * binds it: the caller then tries again.
 */
export async function choosePort(file: string): Promise<number> {
  const remembered = Number(await readFile(file, 'utf8').catch(() => ''))
  if (remembered > 0 && (await isFree(remembered))) return remembered
  for (let tried = 0; tried < TRIES; tried++) {
    const port = randomInt(LOWEST, ABOVE_HIGHEST)
    if (await isFree(port)) return port
  }
  throw new Error(`None of the ${TRIES} ports from ${LOWEST} on is free.`)
}

/** Saves the port for the next start. */
export async function rememberPort(file: string, port: number): Promise<void> {
  await writeFile(file, `${port}\n`, { mode: 0o600 })
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ port, host: '127.0.0.1', exclusive: true })
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    await new Promise(resolve => server.close(resolve))
  }
}
