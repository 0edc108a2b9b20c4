/**
 * A small and strict balancer before several web processes: it polls each one's `/readyz` once a second, sends requests
 * in turn to ready ones, keeps its connections alive, and retries nothing.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const LOOK_MS = 1_000

/** A balancer that runs. */
export interface Balancer {
  readonly url: string
  /** Adds a process, which gets no request before it is ready. Resolves when it is. */
  add(url: string): Promise<void>
  /** Resolves when an added process is ready again. */
  takenIn(url: string): Promise<void>
  /** Why requests failed that their process did not answer. */
  readonly failures: readonly string[]
  stop(): Promise<void>
}

interface Backend {
  readonly url: string
  isReady: boolean
}

/** Starts a balancer without any process. */
export async function startBalancer(): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true })
  const backends: Backend[] = []
  const failures: string[] = []
  let round = 0
  const look = async (backend: Backend) => {
    backend.isReady = await fetch(`${backend.url}/readyz`, { signal: AbortSignal.timeout(LOOK_MS) }).then(
      answer => answer.ok,
      () => false,
    )
  }
  const server = createServer((incoming, outgoing) => {
    const ready = backends.filter(backend => backend.isReady)
    round += 1
    const chosen = ready[round % ready.length]
    if (chosen !== undefined) return forward(incoming, { outgoing, agent, url: chosen.url, failures })
    failures.push('nobody is ready')
    outgoing.writeHead(503).end()
  })
  const timer = setInterval(() => backends.forEach(backend => void look(backend)), LOOK_MS)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async add(url) {
      const backend = { url, isReady: false }
      while (!backend.isReady) await look(backend)
      backends.push(backend)
    },
    async takenIn(url) {
      while (!backends.some(one => one.url === url && one.isReady)) await delay(LOOK_MS / 10)
    },
    failures,
    async stop() {
      clearInterval(timer)
      server.closeAllConnections()
      agent.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function forward(
  incoming: IncomingMessage,
  { url, agent, outgoing, failures }: { outgoing: ServerResponse; agent: Agent; url: string; failures: string[] },
): void {
  const { method, headers } = incoming
  const onward = request(`${url}${incoming.url ?? '/'}`, { method, headers, agent })
  onward.on('response', answer => {
    const { connection: _, ...kept } = answer.headers
    outgoing.writeHead(answer.statusCode ?? 502, kept)
    answer.pipe(outgoing)
  })
  onward.on('error', error => {
    failures.push(`${method} ${incoming.url}: ${error.message}`)
    if (outgoing.headersSent) outgoing.destroy()
    else outgoing.writeHead(502).end()
  })
  incoming.pipe(onward)
}
