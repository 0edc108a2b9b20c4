/**
 * Resolves a name to every address with our own DNS queries: no hosts file, no search list, no cache, no literal
 * "names".
 *
 * It neither judges nor connects; `dial.ts` does. It does not use `dns.lookup`, which turns `0x7f.1` and `①②⑦.⓪.⓪.①`
 * into 127.0.0.1, except for `localhost`, which only the hosts file defines.
 */
import dns from 'node:dns'

/** Every address of both families, as spelled by the resolver, or why there is none. */
export type ResolveResult =
  | { readonly ok: true; readonly addresses: string[] }
  | { readonly ok: false; readonly code: 'name_not_found' | 'resolver_failed' }

/** Resolves names. It never rejects, and settles soon after the signal aborts. */
export interface Resolver {
  resolve(name: string, signal: AbortSignal): Promise<ResolveResult>
}

interface ResolverOptions {
  /** `ip` or `ip:port`, IPv6 in brackets before a port. Empty for the system's servers. */
  readonly servers: readonly string[]
  /** The time limit of a whole look-up, however many queries it takes. */
  readonly timeoutMs: number
}

const TRIES = 2

/**
 * Creates a resolver. Both families are queried together, and the answer is complete or absent: if one of the queries
 * fails, the other's addresses are incomplete, and an incomplete answer cannot be judged. Throws on a malformed server.
 */
export function createResolver({ servers, timeoutMs }: ResolverOptions): Resolver {
  newChannel(servers, timeoutMs)
  return {
    resolve: (name, signal) => {
      const limits = { signal, timeoutMs }
      return name === 'localhost' ? lookUpLocalhost(limits) : ask(newChannel(servers, timeoutMs), name, limits)
    },
  }
}

/**
 * A channel for one look-up, since cancelling affects the whole channel; also, no answer is cached for the next
 * look-up.
 */
function newChannel(servers: readonly string[], timeoutMs: number): dns.promises.Resolver {
  const channel = new dns.promises.Resolver({ timeout: Math.max(1, Math.floor(timeoutMs / TRIES)), tries: TRIES })
  if (servers.length > 0) channel.setServers(servers)
  return channel
}

async function ask(channel: dns.promises.Resolver, name: string, limits: Limits): Promise<ResolveResult> {
  const asked = Promise.allSettled([channel.resolve4(name), channel.resolve6(name)])
  const release = whenOver(limits, () => channel.cancel())
  const answers = await asked
  release()
  if (answers.some(answer => answer.status === 'rejected' && !isAbsence(answer.reason))) {
    return { ok: false, code: 'resolver_failed' }
  }
  const addresses = answers.flatMap(answer => (answer.status === 'fulfilled' ? answer.value : []))
  return addresses.length === 0 ? { ok: false, code: 'name_not_found' } : { ok: true, addresses }
}

/** NXDOMAIN, or no record of the type. */
function isAbsence(reason: unknown): boolean {
  const code = reason instanceof Error && 'code' in reason ? reason.code : undefined
  return code === dns.NOTFOUND || code === dns.NODATA
}

/**
 * The entries of the hosts file; a name server's answer for `localhost` would count too, and is judged like any other.
 */
function lookUpLocalhost(limits: Limits): Promise<ResolveResult> {
  return new Promise(resolve => {
    const release = whenOver(limits, () => resolve({ ok: false, code: 'resolver_failed' }))
    dns.lookup('localhost', { all: true }, (error, found) => {
      release()
      resolve(error ? { ok: false, code: 'name_not_found' } : { ok: true, addresses: found.map(one => one.address) })
    })
  })
}

interface Limits {
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/** Calls `stop` once, when the time is over or the signal aborts, unless it is released first. */
function whenOver({ signal, timeoutMs }: Limits, stop: () => void): () => void {
  const timer = setTimeout(stop, timeoutMs)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
