/**
 * One watch for all leases that a client holds: a worker with a thousand databases has one stream, not a thousand. If the
 * installation has no place for it, leases go on without one: they are renewed in time nevertheless. Used by `node.ts` alone.
 */
import type { Client } from '#client/index.ts'

/** How long a watch that was refused or has ended is let be. */
const AGAIN_MS = 60_000

/** The events for a lease. */
export interface Listener {
  readonly id: string
  /** The watch has begun, or changes were left out: what came into force before, it does not tell. */
  readonly onStarted: () => void
  /** A version of the datasource's credential is in force. */
  readonly onVersion: (version: number) => void
}

/** The watch of one client. */
export class SharedWatch {
  /** By client, and gone with it: leases of the same client find the same watch. */
  static readonly #watches = new WeakMap<Client, SharedWatch>()

  readonly #client: Client
  readonly #listeners = new Set<Listener>()
  #isStarted = false
  #subscription: { unsubscribe(): void } | null = null
  #again: ReturnType<typeof setTimeout> | undefined

  private constructor(client: Client) {
    this.#client = client
  }

  /** The watch of a client; it begins with its first listener. */
  static of(client: Client): SharedWatch {
    const watch = SharedWatch.#watches.get(client) ?? new SharedWatch(client)
    SharedWatch.#watches.set(client, watch)
    return watch
  }

  /** Tells a listener until the returned function is called; with the last one the watch ends. */
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
        onData: ({ data: told }) => {
          if (told.change === 'reset') this.#started()
          else for (const one of this.#of(told.datasource.id)) one.onVersion(told.datasource.credentialVersion)
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
    // A program that is done otherwise is not kept for it.
    if (typeof this.#again === 'object') this.#again.unref()
  }
}
