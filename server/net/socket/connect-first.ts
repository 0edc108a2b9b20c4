/**
 * Connects to one of several judged addresses by staggered attempts (Happy Eyeballs, RFC 8305 §5).
 *
 * It takes only numeric addresses, never a name, so that nothing can be resolved between judging and connecting. It
 * closes every socket except the one that it returns. Called by `dial.ts`.
 */
import net from 'node:net'

/** Opens a socket to an address. It is `net.connect` except in tests, which must not reach public addresses. */
export type Connect = (address: string, port: number) => net.Socket

/** How an attempt, or all of them, failed. */
type Lost = 'connection_refused' | 'connection_lost' | 'connection_timeout' | 'network_unreachable'

/** The connected socket and its address, or the most informative failure of all attempts. */
export type ConnectResult =
  | { readonly ok: true; readonly socket: net.Socket; readonly address: string }
  | { readonly ok: false; readonly code: Lost }

interface Race {
  /** Judged numeric addresses, at least one. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly connect: Connect
  /** Aborts all attempts. */
  readonly signal: AbortSignal
}

/** RFC 8305 §8: how long an attempt may hang before the next one starts in parallel. */
const ATTEMPT_DELAY_MS = 250

// If attempts end differently, the one that got furthest is the most informative.
const BY_DISTANCE = ['connection_refused', 'connection_lost', 'connection_timeout', 'network_unreachable'] as const

/** Connects to a numeric address of either family; a name would need a look-up, which always fails here. */
export function connectToNumber(address: string, port: number): net.Socket {
  return net.connect({
    host: address,
    port,
    family: net.isIP(address),
    autoSelectFamily: false,
    noDelay: true,
    lookup: (_name, _options, done) => done(new Error('names are not dialled'), '', 0),
  })
}

/**
 * Tries the addresses, alternating families and IPv4 first (customers' firewalls mostly know our IPv4), each 250 ms
 * after the previous one or as soon as that one fails. The first to connect wins. Never rejects; if the signal aborts,
 * every attempt is closed. An `error` listener stays on the socket: without one, an error would end the process.
 */
export function connectFirst({ addresses, port, connect, signal }: Race): Promise<ConnectResult> {
  const { promise, resolve } = Promise.withResolvers<ConnectResult>()
  const waiting = interleave(addresses)
  const attempts = new Set<net.Socket>()
  const losses: Lost[] = []
  let timer: NodeJS.Timeout | undefined

  const settle = (result: ConnectResult) => {
    clearTimeout(timer)
    signal.removeEventListener('abort', expire)
    for (const socket of attempts) if (!result.ok || socket !== result.socket) socket.destroy()
    attempts.clear()
    waiting.length = 0
    resolve(result)
  }
  const expire = () => settle({ ok: false, code: 'connection_timeout' })
  const lose = (socket: net.Socket, code: Lost) => {
    if (!attempts.delete(socket)) return
    losses.push(code)
    socket.destroy()
    if (waiting.length > 0) next()
    else if (attempts.size === 0) settle({ ok: false, code: worst(losses) })
  }
  const next = () => {
    clearTimeout(timer)
    const address = waiting.shift()
    if (address === undefined) return
    const socket = connect(address, port)
    attempts.add(socket)
    socket.on('error', error => lose(socket, lossOf(error)))
    socket.once('close', () => lose(socket, 'connection_lost'))
    socket.once('connect', () => attempts.has(socket) && settle({ ok: true, socket, address }))
    timer = setTimeout(next, ATTEMPT_DELAY_MS)
  }
  if (signal.aborted) expire()
  else {
    signal.addEventListener('abort', expire, { once: true })
    next()
  }
  return promise
}

function worst(losses: readonly Lost[]): Lost {
  return BY_DISTANCE.find(code => losses.includes(code)) ?? 'network_unreachable'
}

function lossOf(error: Error): Lost {
  switch ('code' in error ? error.code : undefined) {
    case 'ECONNREFUSED':
      return 'connection_refused'
    case 'ECONNRESET':
    case 'EPIPE':
      return 'connection_lost'
    case 'ETIMEDOUT':
      return 'connection_timeout'
    default:
      return 'network_unreachable'
  }
}

/** IPv4, IPv6, IPv4, …, each family in the resolver's order (RFC 8305 §4). */
function interleave(addresses: readonly string[]): string[] {
  const first = addresses.filter(address => net.isIPv4(address))
  const second = addresses.filter(address => !net.isIPv4(address))
  const turns = Array.from({ length: addresses.length }, (_, at) => [first[at], second[at]])
  return turns.flat().filter(address => address !== undefined)
}
