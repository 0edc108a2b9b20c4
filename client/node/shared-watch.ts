/**
 * One subscription for all leases of a client: a worker with a thousand databases has one stream, not a thousand. If
 * the server cannot accept it, leases continue without a stream, because they are renewed before they expire anyway.
 * Used only by `node.ts`.
 */
import type { Client } from '#client/index.ts'

/** The pause after a subscription was refused or has ended. */
const AGAIN_MS = 60_000

/** The callbacks of a lease. */
export interface Listener {
  readonly id: string
  /** The subscription has started, or events were skipped: it does not report versions that came into force before. */
  readonly onStarted: () => void
  /** A version of the datasource's credential has come into force. */
  readonly onVersion: (version: number) => void
}

/** The subscription of one client. */
export class SharedWatch {
  /** Keyed weakly by client, so that leases of the same client find the same subscription. */
  static readonly #watches = new WeakMap<Client, SharedWatch>()

  readonly #client: Client
  readonly #listeners = new Set<Listener>()
  #isStarted = false
  #subscription: { unsubscribe(): void } | null = null
  #again: ReturnType<typeof setTimeout> | undefined

  private constructor(client: Client) {
    this.#client = client
  }

  /** Returns the subscription of a client, which starts with its first listener. */
  static of(client: Client): SharedWatch {
    const watch = SharedWatch.#watches.get(client) ?? new SharedWatch(client)
    SharedWatch.#watches.set(client, watch)
    return watch
  }

  /** Adds a listener; the returned function removes it. The subscription ends with its last listener. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    if (this.#isStarted) listener.onStarted()
    if (this.#listeners.size === 1) this.#begin()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#end()
    }
  }

  #begin(): void {
    this.#subscription = this.#client.datasources.watch.subscribe(
      {},
      {
        onStarted: () => this.#started(),
        onData: ({ data: event }) => {
          if (event.change === 'reset') this.#started()
          else for (const one of this.#of(event.datasource.id)) one.onVersion(event.datasource.credentialVersion)
        },
        onError: () => this.#later(),
      },
    )
  }

  #started(): void {
    this.#isStarted = true
    for (const { onStarted } of this.#listeners) onStarted()
  }

  #of(id: string): Listener[] {
    return [...this.#listeners].filter(one => one.id === id)
  }

  #end(): void {
    clearTimeout(this.#again)
    this.#isStarted = false
    this.#subscription?.unsubscribe()
    this.#subscription = null
  }

  #later(): void {
    this.#end()
    this.#again = setTimeout(() => {
      if (this.#listeners.size > 0) this.#begin()
    }, AGAIN_MS)
    // The timer must not keep a program alive that has otherwise finished.
    if (typeof this.#again === 'object') this.#again.unref()
  }
}
