/**
 * A small balancer before several web processes, as strict as one can be: it asks each for `/readyz` once a second, sends
 * requests in turn to those that said yes, keeps its connections alive, and tries nothing twice.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const LOOK_MS = 1_000

/** A balancer that runs. */
export interface Balancer {
  readonly url: string
  /** Takes a process in; it is sent nothing before it said that it is ready. Resolves when it did. */
  add(url: string): Promise<void>
  /** Resolves when a process that was taken in before says again that it is ready. */
  takenIn(url: string): Promise<void>
  /** Why requests failed that got no answer from the process that they were sent to. */
  readonly failures: readonly string[]
  stop(): Promise<void>
}

interface Backend {
  readonly url: string
  isReady: boolean
}

/** Starts one without any process. */
export async function startBalancer(): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true })
  const backends: Backend[] = []
  const failures: string[] = []
  let turn = 0
  const look = async (backend: Backend) => {
    backend.isReady = await fetch(`${backend.url}/readyz`, { signal: AbortSignal.timeout(LOOK_MS) }).then(
      answer => answer.ok,
      () => false,
    )
  }
  const server = createServer((incoming, outgoing) => {
    const ready = backends.filter(backend => backend.isReady)
    turn += 1
    const chosen = ready[turn % ready.length]
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
  of: { outgoing: ServerResponse; agent: Agent; url: string; failures: string[] },
): void {
  const { method, headers } = incoming
  const onward = request(`${of.url}${incoming.url ?? '/'}`, { method, headers, agent: of.agent })
  onward.on('response', answer => {
    const { connection: _, ...kept } = answer.headers
    of.outgoing.writeHead(answer.statusCode ?? 502, kept)
    answer.pipe(of.outgoing)
  })
  onward.on('error', error => {
    of.failures.push(`${method} ${incoming.url}: ${error.message}`)
    if (of.outgoing.headersSent) of.outgoing.destroy()
    else of.outgoing.writeHead(502).end()
  })
  incoming.pipe(onward)
}
