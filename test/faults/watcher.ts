/**
 * A subscriber that resumes from the last event it saw, at one web process and then at the other, for as long as it
 * lives, and lists again after a reset. At the end it knows which changes it received.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { createClient } from '#client/index.ts'
import { type EventStream, type Received, watchDatasources } from '#test/support/changes/event-stream.ts'

const COME_BACK_MS = 250
const PAGE = 100

const Told = z.looseObject({ change: z.string(), id: z.string().optional() })

/** The knowledge of one datasource: its registration and number of updates, from events or from a list. */
export interface DatasourceKnowledge {
  readonly registered: number
  readonly updates: number
}

/** A running subscriber. */
export interface Watcher {
  readonly heard: ReadonlyMap<string, DatasourceKnowledge>
  /** Events that it received more than once. */
  repeated(): number
  /** The number of resets. */
  resets(): number
  stop(): Promise<void>
}

/** The addresses to subscribe at. */
export interface Watched {
  readonly urls: readonly string[]
  readonly key: string
}

class Subscriber implements Watcher {
  readonly heard = new Map<string, DatasourceKnowledge>()
  readonly #at: Watched
  readonly #seen = new Set<string>()
  readonly #running: Promise<void>
  #repeated = 0
  #resets = 0
  #last: string | undefined
  #stream: EventStream | null = null
  #isOver = false

  constructor(at: Watched) {
    this.#at = at
    this.#running = this.#run()
  }

  repeated(): number {
    return this.#repeated
  }

  resets(): number {
    return this.#resets
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#stream?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { urls } = this.#at
    for (let times = 0; !this.#isOver; times += 1) {
      // Without an answer it reconnects, to the other process.
      await this.#visit(urls[times % urls.length] ?? '').catch(() => undefined)
      if (!this.#isOver) await wait(COME_BACK_MS)
    }
  }

  async #visit(url: string): Promise<void> {
    const { key } = this.#at
    const lastEventId = this.#last === undefined ? {} : { lastEventId: this.#last }
    const stream = await watchDatasources({ url, key, ...lastEventId })
    this.#stream = stream
    if (stream.status !== 200 || this.#isOver) return stream.close()
    const list = () => listAnew({ url, key }, this.heard)
    // A subscriber begins by listing.
    const listing = this.#last === undefined ? [list()] : []
    const every = (event: Received) => {
      if (event.event === 'message' && this.#hear(event)) listing.push(list())
      return false
    }
    await stream.first(every).catch(() => undefined)
    await Promise.all(listing)
  }

  /** True if it must list again. */
  #hear({ id: eventId, text }: Received): boolean {
    if (this.#seen.has(eventId)) this.#repeated += 1
    this.#seen.add(eventId)
    this.#last = eventId
    const { change, id = '' } = Told.parse(JSON.parse(text))
    if (change === 'reset') {
      this.#resets += 1
      return true
    }
    const { registered, updates } = this.heard.get(id) ?? { registered: 0, updates: 0 }
    if (change === 'registered') this.heard.set(id, { registered: registered + 1, updates })
    if (change === 'updated') this.heard.set(id, { registered, updates: updates + 1 })
    return false
  }
}

/** Starts watching. */
export function startWatcher(at: Watched): Watcher {
  return new Subscriber(at)
}

/** The listed state of every datasource is its current one. */
async function listAnew(
  { url, key }: { url: string; key: string },
  received: Map<string, DatasourceKnowledge>,
): Promise<void> {
  const client = createClient({ url, key, seal: false, retries: 0 })
  let cursor: string | undefined
  do {
    const page = await client.datasources.list.query({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) })
    for (const { id, metadata } of page.items) {
      const before = received.get(id) ?? { registered: 0, updates: 0 }
      const updates = Math.max(before.updates, Number(metadata['rev'] ?? 0))
      received.set(id, { registered: Math.max(1, before.registered), updates })
    }
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}
