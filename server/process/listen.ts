/**
 * Listens on the configured address, and explains a failure: the variable, what it must be, and what to type.
 * `wiring-web.ts` calls it.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { ConfigError } from '#server/env.ts'

/** The address of a listener, and the command with which an operator starts it. */
export interface ListenPlace {
  readonly host: string
  readonly port: number
  readonly command: string
}

/** How many ports after a taken one are tried, to suggest a free one. */
const TRIES = 20
const HIGHEST = 65_535

/** Listens. Throws a sentence for an operator if that fails. */
export async function listen(server: Server, place: ListenPlace): Promise<void> {
  await listenAt(server, place).catch(async (error: unknown) => {
    throw await unlistenable(error, place)
  })
}

async function listenAt(server: Server, { host, port }: Pick<ListenPlace, 'host' | 'port'>): Promise<void> {
  const listening = once(server, 'listening')
  server.listen(port, host)
  await listening
}

const WRONG_HOST = ['HOST', 'an address of this machine, or a name that resolves to one'] as const

/** The variable and what it must be, by system error code. */
const UNLISTENABLE: Readonly<Record<string, readonly [string, string]>> = {
  EADDRINUSE: ['PORT', 'a port on which nothing else listens'],
  EACCES: ['PORT', 'a port on which this process may listen: ports below 1024 require a privilege'],
  EADDRNOTAVAIL: WRONG_HOST,
  EAFNOSUPPORT: WRONG_HOST,
  EINVAL: WRONG_HOST,
  ENOTFOUND: WRONG_HOST,
  EAI_AGAIN: WRONG_HOST,
}

/** The sentence; an error that does not concern the address is returned unchanged. */
async function unlistenable(error: unknown, place: ListenPlace): Promise<unknown> {
  const code = String(Reflect.get(Object(error), 'code'))
  const [variable, must] = UNLISTENABLE[code] ?? []
  if (variable === undefined || must === undefined) return error
  if (variable === 'HOST') return new ConfigError(variable, must)
  const { command, port } = place
  const other = await freePort(place)
  const remedy = other === null ? '' : `; to take another one, type: PORT=${other} ${command}`
  const taken = code === 'EADDRINUSE' ? `, and ${port} is taken` : `, and ${port} is not one`
  return new ConfigError(variable, `${must}${taken}${remedy}`)
}

/** A free port near the wanted one; null if none was found. */
async function freePort({ host, port }: ListenPlace): Promise<number | null> {
  const first = port < 1024 ? 3000 : port + 1
  for (let at = first; at < first + TRIES && at <= HIGHEST; at += 1) if (await isFree(host, at)) return at
  return null
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    await listenAt(server, { host, port })
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
