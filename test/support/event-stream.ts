/**
 * A subscriber as seen on the wire: one HTTP connection, server-sent events as they arrive. No library stands between, so
 * that a thousand of them fit into one test process and nothing is mended behind the test's back.
 */
import { type ClientRequest, get, type IncomingMessage } from 'node:http'

/** One event. `at` is when it arrived, in milliseconds since 1970. */
export interface Received {
  readonly event: string
  readonly id: string
  readonly data: string
  readonly at: number
}

/** An open stream. */
export interface EventStream {
  readonly status: number
  /** Everything so far, the pings left out. */
  readonly events: readonly Received[]
  /** The first event, past or to come, that fits. Rejects when the stream ends without it. */
  first(fits: (event: Received) => boolean): Promise<Received>
  /** Resolves when the stream has ended, by whomever. */
  readonly ended: Promise<void>
  /** Reads nothing more until it is resumed: the bytes wait with the sender. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** Where to listen. `lastEventId` is what an EventSource sends when it comes back. */
export interface Subscription {
  readonly url: string
  readonly key: string
  readonly input?: object
  readonly lastEventId?: string
}

/** Opens the stream of `datasources.watch` and resolves once the server has said that it is connected, or has refused. */
export async function watchDatasources({ url, key, input = {}, lastEventId }: Subscription): Promise<EventStream> {
  const headers = {
    authorization: `Bearer ${key}`,
    accept: 'text/event-stream',
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  }
  const path = `${url}/trpc/datasources.watch?input=${encodeURIComponent(JSON.stringify(input))}`
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = get(path, { headers, agent: false }, resolve).on('error', reject)
  const stream = read(request, await promise)
  if (stream.status === 200) await stream.first(({ event }) => event === 'connected')
  return stream
}

function read(request: ClientRequest, response: IncomingMessage): EventStream {
  const events: Received[] = []
  const waiting = new Set<() => void>()
  const tell = () => {
    for (const wake of waiting) wake()
  }
  let [rest, isOver] = ['', false]
  response.setEncoding('utf8')
  response.on('data', (text: string) => {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const received = parse(block)
      if (received !== null && received.event !== 'ping') events.push(received)
    }
    tell()
  })
  request.on('error', () => undefined)
  response.on('error', () => undefined)
  const ended = new Promise<void>(resolve => response.once('close', resolve)).then(() => {
    isOver = true
    tell()
  })
  return {
    status: response.statusCode ?? 0,
    events,
    ended,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    async first(fits) {
      for (;;) {
        const found = events.find(fits)
        if (found !== undefined) return found
        if (isOver) throw new Error(`the stream ended before, after ${events.length} events`)
        const { promise, resolve } = Promise.withResolvers<void>()
        waiting.add(resolve)
        await promise
        waiting.delete(resolve)
      }
    },
    async close() {
      request.destroy()
      await ended
    },
  }
}

function parse(block: string): Received | null {
  const fields = new Map(
    block.split('\n').flatMap(line => {
      const colon = line.indexOf(': ')
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 2)]]
    }),
  )
  if (fields.size === 0) return null
  const { event = 'message', id = '', data = '' } = Object.fromEntries(fields)
  return { event, id, data, at: Date.now() }
}
