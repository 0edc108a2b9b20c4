/**
 * Wakes this process and others when there is work or news. A notification carries nothing but the ids of the
 * organizations that it concerns, if they are known: the woken process reads the tables, and none for the waiters of
 * others. Every listener also polls, so a lost notification costs a second and never an answer.
 *
 * `notify` in each transaction would serialise commits on one lock of the database, so a process sends at most one per
 * topic every 20 ms, after the commit.
 */
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import pg from 'pg'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import { OwnPlaces } from '#server/store/connection/database-addresses.ts'
import { destroySocket } from '#server/store/connection/own-connection.ts'

/** `work`: a task is due. `news`: a task was settled, or a datasource has changed. `events`: a feed has new events. */
export type Topic = 'work' | 'news' | 'events'

/** The organizations that a notification concerns; null if it may concern any. */
export type Concerned = readonly string[] | null

const COALESCE_MS = 20
/** The maximum number of organizations in one notification: PostgreSQL limits it to 8,000 bytes. */
const MAX_CONCERNED = 100
/** Ids are part of a statement, which takes no parameters. */
const ID = /^[0-9a-f-]{36}$/
const RECONNECT_MS = 500
const CONNECT_MS = 2_000
/** How often a heartbeat must travel the connection there and back, and how long it may take. */
const HEARTBEAT_MS = 5_000
const HEARTBEAT_DEADLINE_MS = 2_000
const HEARTBEAT = 'mooring_heartbeat'

/** Sends and receives notifications over a dedicated connection, and reconnects when it breaks. */
export class Notifications {
  readonly #emitter = new EventEmitter().setMaxListeners(0)
  /** The topics of the next notification, and the organizations that each concerns. */
  readonly #waiting = new Map<Topic, Set<string> | null>()
  #sendAt: NodeJS.Timeout | undefined
  #sentAtMs = Number.NEGATIVE_INFINITY
  readonly #places: OwnPlaces
  readonly #onError: (error: Error) => void
  /** Unique to this process: another process's heartbeat proves nothing about this connection. */
  readonly #id = randomUUID()
  #client: pg.Client | null = null
  #heartbeat: NodeJS.Timeout | undefined
  #heardAt = 0
  #reconnect: NodeJS.Timeout | null = null
  #closed = false
  #sending: Promise<unknown> = Promise.resolve()

  constructor(options: { url: string; onError: (error: Error) => void }) {
    this.#places = new OwnPlaces(parseDatabaseUrl(options.url), Math.random)
    this.#onError = options.onError
  }

  /** True while heartbeats return on this connection: notifications from other processes arrive. */
  isAlive(): boolean {
    return this.#client !== null && performance.now() - this.#heardAt < HEARTBEAT_MS + 2 * HEARTBEAT_DEADLINE_MS
  }

  /** Starts listening. Throws if the database cannot be reached; reconnects by itself after later breaks. */
  async open(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#connect()
      } catch (error) {
        if (tries >= this.#places.size) throw error
      }
    }
  }

  async #connect(): Promise<void> {
    const attempt = this.#places.current()
    const client = new pg.Client({
      ...this.#places.options(attempt),
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
    })
    this.#places.tried(client, attempt)
    client.on('notification', one => this.#hear(one, client))
    client.on('error', error => this.#lost(client, error))
    client.on('end', () => this.#lost(client, null))
    const timer = setTimeout(() => destroySocket(client), 2 * CONNECT_MS)
    try {
      await client.connect()
      if (this.#closed) return await client.end()
      await client.query(`listen mooring_work; listen mooring_news; listen mooring_events; listen ${HEARTBEAT}`)
    } catch (error) {
      this.#places.failed(client)
      throw error
    } finally {
      clearTimeout(timer)
    }
    this.#client = client
    this.#heardAt = performance.now()
    this.#heartbeat = setInterval(() => this.#beat(client), HEARTBEAT_MS).unref()
    // Notifications sent while nobody listened are not repeated, so look once.
    this.#emitter.emit('work', null)
    this.#emitter.emit('news', null)
  }

  #hear({ channel, processId, payload = '' }: pg.Notification, client: pg.Client): void {
    if (channel === HEARTBEAT && payload === this.#id) this.#heardAt = performance.now()
    // The listeners of this process were woken when it sent this. The driver's types do not have the property.
    if (processId === Reflect.get(client, 'processID')) return
    const concerned = payload === '' ? null : payload.split(',')
    if (channel === 'mooring_work') this.#emitter.emit('work', concerned)
    if (channel === 'mooring_news') this.#emitter.emit('news', concerned)
    if (channel === 'mooring_events') this.#emitter.emit('events', concerned)
  }

  /** If the server vanishes silently, the connection looks healthy but receives nothing. */
  #beat(client: pg.Client): void {
    const saidAt = performance.now()
    this.#tell(`select pg_notify('${HEARTBEAT}', '${this.#id}')`)
    setTimeout(() => {
      if (this.#client === client && this.#heardAt < saidAt) destroySocket(client)
    }, HEARTBEAT_DEADLINE_MS).unref()
  }

  /**
   * Wakes the listeners of this process at once, and those of other processes within 20 ms: at once too, unless others
   * were notified just before. Without an organization, it may concern any.
   */
  ring(topic: Topic, organizationId?: string): void {
    this.#emitter.emit(topic, organizationId === undefined ? null : [organizationId])
    if (this.#closed) return
    // Most changes concern two topics at once: one statement notifies both.
    const waitMs = Math.max(0, this.#sentAtMs + COALESCE_MS - performance.now())
    if (this.#waiting.size === 0) this.#sendAt = setTimeout(() => this.#send(), waitMs)
    this.#waiting.set(topic, withOne(this.#waiting.get(topic), organizationId))
  }

  /** Calls `listener` at each notification until the returned function is called. */
  on(topic: Topic, listener: (concerned: Concerned) => void): () => void {
    this.#emitter.on(topic, listener)
    return () => void this.#emitter.off(topic, listener)
  }

  /** Stops listening and closes the connection. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#sendAt)
    if (this.#reconnect !== null) clearTimeout(this.#reconnect)
    clearInterval(this.#heartbeat)
    const client = this.#client
    this.#client = null
    await client?.end()
  }

  #send(): void {
    const statements: string[] = []
    for (const [topic, concerned] of this.#waiting)
      statements.push(`notify mooring_${topic}${concerned === null ? '' : `, '${[...concerned].join(',')}'`}`)
    this.#waiting.clear()
    this.#sentAtMs = performance.now()
    this.#tell(statements.join('; '))
  }

  #tell(statement: string): void {
    // One statement after the other: the driver no longer queues for its callers.
    const sent = this.#sending.then(() => this.#client?.query(statement))
    // The end of the connection breaks a statement that it overtakes: an orderly end is no lost connection.
    this.#sending = sent.catch(error => (this.#closed ? undefined : this.#onError(error)))
  }

  #lost(client: pg.Client, error: Error | null): void {
    if (error !== null) this.#onError(error)
    // If this connection never listened, its opener retries.
    if (this.#closed || this.#client !== client) return
    this.#client = null
    clearInterval(this.#heartbeat)
    this.#reconnectLater()
  }

  #reconnectLater(): void {
    if (this.#closed) return
    this.#reconnect = setTimeout(() => {
      this.#reconnect = null
      this.open().catch((cause: Error) => {
        this.#onError(cause)
        this.#reconnectLater()
      })
    }, RECONNECT_MS)
  }
}

/** The organizations that are concerned with one more of them; null for any. */
function withOne(concerned: Set<string> | null | undefined, organizationId = ''): Set<string> | null {
  if (concerned === null || !ID.test(organizationId)) return null
  const all = (concerned ?? new Set()).add(organizationId)
  return all.size > MAX_CONCERNED ? null : all
}
