/**
 * A small load generator: a number of connections, each of which sends again as soon as it is answered, for a given
 * time. It uses `node:http` with persistent connections, since the client shares the machine with the measured server.
 */
import { Agent, request } from 'node:http'

/** One request to repeat. `body` is computed for each. */
export interface Load {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: (count: number) => string
}

/** Duration and concurrency. */
export interface Extent {
  readonly seconds: number
  readonly connections: number
}

/**
 * Requests a second, and the median and 99th percentile of response times in milliseconds. Throws on any status but
 * 2xx.
 */
export interface Measured {
  readonly perSecond: number
  readonly medianMs: number
  readonly p99Ms: number
}

/** Runs the load, after a warm-up of a tenth of its time. */
export async function measure(load: Load, { seconds, connections }: Extent): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const startedAt = performance.now()
  const countFrom = startedAt + seconds * 100
  const endsAt = countFrom + seconds * 1000
  const tookMs: number[] = []
  let count = 0
  const one = async () => {
    for (;;) {
      const at = performance.now()
      if (at >= endsAt) return
      count += 1
      await send(agent, load, count)
      if (at >= countFrom) tookMs.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
  agent.destroy()
  tookMs.sort((a, b) => a - b)
  const at = (share: number) => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? Number.NaN
  return { perSecond: tookMs.length / seconds, medianMs: at(0.5), p99Ms: at(0.99) }
}

function send(agent: Agent, load: Load, count: number): Promise<void> {
  const body = load.body?.(count)
  const headers = { ...load.headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) }
  return new Promise((resolve, reject) => {
    const sent = request(load.url, { method: load.method, agent, headers }, response => {
      const status = response.statusCode ?? 0
      response.resume()
      response.on('error', reject)
      response.on('end', () => (status >= 200 && status < 300 ? resolve() : reject(new Error(`HTTP ${status}`))))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
