/**
 * A subscriber on the wire: one HTTP connection, server-sent events as they arrive. It uses no library, so that a
 * thousand of them fit into one test process and no reconnect is hidden.
 */
import { type ClientRequest, get, type IncomingMessage } from 'node:http'

/** One event. `at` is its arrival, in milliseconds since 1970. */
export interface Received {
  readonly event: string
  readonly id: string
  readonly text: string
  readonly at: number
}

/** An open stream. */
export interface EventStream {
  readonly status: number
  /** Every event so far, without the pings. */
  readonly events: readonly Received[]
  /** The messages among the events so far. */
  readonly messages: readonly Received[]
  /** The first matching event, past or to come. Rejects when the stream ends without it. */
  first(fits: (event: Received) => boolean): Promise<Received>
  /** Resolves once this many messages have arrived in all. */
  count(messages: number): Promise<void>
  /** Resolves when either side has ended the stream. */
  readonly ended: Promise<void>
  /** Stops reading until it is resumed: the bytes wait at the sender. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** The stream's address. `lastEventId` is the header of a reconnecting EventSource. */
export interface Subscription {
  readonly url: string
  readonly key: string
  readonly input?: object
  readonly lastEventId?: string
}

/**
 * Opens the stream of `datasources.watch` and resolves once the server has confirmed the connection, or has refused.
 */
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
  const inbox = collect(request, response)
  const { events, messages, ended } = inbox
  /** Looks at each event once. */
  const first = async (fits: (event: Received) => boolean): Promise<Received> => {
    for (let at = 0; ; ) {
      const more = inbox.more()
      for (; at < events.length; at += 1) {
        const event = events[at]
        if (event !== undefined && fits(event)) return event
      }
      if (inbox.isOver()) throw new Error(`the stream ended before, after ${events.length} events`)
      await more
    }
  }
  return {
    status: response.statusCode ?? 0,
    events,
    messages,
    ended,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    first,
    count: async wanted => void (await first(() => messages.length >= wanted)),
    close: async () => {
      request.destroy()
      await ended
    },
  }
}

/** Stores arriving events. `more` resolves at the next arrival or at the end. */
function collect(request: ClientRequest, response: IncomingMessage) {
  const events: Received[] = []
  const messages: Received[] = []
  let [rest, isOver, next] = ['', false, Promise.withResolvers<void>()]
  const report = () => {
    next.resolve()
    next = Promise.withResolvers()
  }
  response.setEncoding('utf8').on('data', (text: string) => {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const received of blocks.flatMap(block => parse(block) ?? [])) {
      if (received.event !== 'ping') events.push(received)
      if (received.event === 'message') messages.push(received)
    }
    report()
  })
  for (const emitter of [request, response]) emitter.on('error', () => undefined)
  const ended = new Promise<void>(resolve => response.once('close', resolve)).then(() => {
    isOver = true
    report()
  })
  return { events, messages, ended, isOver: () => isOver, more: () => next.promise }
}

function parse(block: string): Received | null {
  const fields = new Map(
    block.split('\n').flatMap(line => {
      const colon = line.indexOf(': ')
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 2)]]
    }),
  )
  if (fields.size === 0) return null
  return {
    event: fields.get('event') ?? 'message',
    id: fields.get('id') ?? '',
    text: fields.get('data') ?? '',
    at: Date.now(),
  }
}
