/**
 * A small load: so many connections, each asking again as soon as it is answered, for so long. Over `node:http` with
 * kept-alive connections, since the client shares the machine with what is measured.
 */
import { Agent, request } from 'node:http'

/** One request to send again and again. `body` is asked for each. */
export interface Load {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: (count: number) => string
}

/** For how long, and how many at once. */
export interface Extent {
  readonly seconds: number
  readonly connections: number
}

/** Requests a second, and the median and 99th percentile of the answers' times in milliseconds. Throws at any status but 2xx. */
export interface Measured {
  readonly perSecond: number
  readonly medianMs: number
  readonly p99Ms: number
}

/** Runs the load, after a tenth of its time that is not counted. */
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
