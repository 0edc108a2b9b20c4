/**
 * Wakes: tells other processes, and this one, that there is work or news, and says nothing more: whoever is woken reads
 * the tables. A poll stands behind every listener, so a lost wake costs a second and never an answer.
 *
 * `notify` in each transaction would serialise commits on one lock of the database, so a process sends at most one in
 * 20 ms for each topic, after commit.
 */
import { EventEmitter } from 'node:events'
import pg from 'pg'

/** `work`: a task is due. `news`: a task was settled, or a datasource has changed. `events`: a feed has new ones. */
export type Topic = 'work' | 'news' | 'events'

const COALESCE_MS = 20
const RECONNECT_MS = 500

/** Sends and hears wakes over one connection of its own, made again when it breaks. */
export class Signals {
  readonly #emitter = new EventEmitter().setMaxListeners(0)
  readonly #waiting = new Map<Topic, NodeJS.Timeout>()
  readonly #url: string
  readonly #onError: (error: Error) => void
  #client: pg.Client | null = null
  #reconnect: NodeJS.Timeout | null = null
  #closed = false
  #sending: Promise<unknown> = Promise.resolve()

  constructor(options: { url: string; onError: (error: Error) => void }) {
    this.#url = options.url
    this.#onError = options.onError
  }

  /** Begins to listen. Throws when the database cannot be reached; later breaks are mended by itself. */
  async open(): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url })
    client.on('notification', message => {
      if (message.channel === 'mooring_work') this.#emitter.emit('work')
      if (message.channel === 'mooring_news') this.#emitter.emit('news')
      if (message.channel === 'mooring_events') this.#emitter.emit('events')
    })
    client.on('error', error => this.#lost(client, error))
    client.on('end', () => this.#lost(client, null))
    await client.connect()
    if (this.#closed) return client.end()
    await client.query('listen mooring_work; listen mooring_news; listen mooring_events')
    this.#client = client
    // What was said while nobody listened is not repeated: look once.
    this.#emitter.emit('work')
    this.#emitter.emit('news')
  }

  /** Wakes the listeners of this process at once, and those of others within 20 ms. */
  ring(topic: Topic): void {
    this.#emitter.emit(topic)
    if (this.#closed || this.#waiting.has(topic)) return
    this.#waiting.set(
      topic,
      setTimeout(() => this.#send(topic), COALESCE_MS),
    )
  }

  /** Calls `listener` at each wake, until the returned function is called. */
  on(topic: Topic, listener: () => void): () => void {
    this.#emitter.on(topic, listener)
    return () => void this.#emitter.off(topic, listener)
  }

  /** Stops listening and closes the connection. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    if (this.#reconnect !== null) clearTimeout(this.#reconnect)
    const client = this.#client
    this.#client = null
    await client?.end()
  }

  #send(topic: Topic): void {
    this.#waiting.delete(topic)
    // One after the other: the driver no longer queues for its callers.
    this.#sending = this.#sending.then(() => this.#client?.query(`notify mooring_${topic}`)).catch(this.#onError)
  }

  #lost(client: pg.Client, error: Error | null): void {
    if (error !== null) this.#onError(error)
    if (this.#closed || (this.#client !== null && this.#client !== client) || this.#reconnect !== null) return
    this.#client = null
    this.#reconnect = setTimeout(() => {
      this.#reconnect = null
      this.open().catch((cause: Error) => this.#lost(client, cause))
    }, RECONNECT_MS)
  }
}
