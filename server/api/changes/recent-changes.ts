/**
 * The last changes of one organization, held once for all of its subscribers. Each of them has a place in it and holds
 * nothing else, so that slow readers, however many, cost what one costs. Bounded in number and in bytes: the oldest goes,
 * and a subscriber whose place is gone reads from the table.
 */
import type { Position } from '#server/store/changes/change-reads.ts'
import type { ChangeKind } from '#server/store/database/changes.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'

/** Changes that are held for the subscribers of an organization. */
export const MAX_HELD = 1_000
/** And their JSON, in UTF-16 units. */
export const MAX_HELD_LENGTH = 4 << 20

/** One change as it is told. */
export interface SentChange extends Position {
  readonly datasourceId: string
  /** Id and content of the event: one object for all who are told of it, so that it is spelled once. */
  readonly event: { readonly id: string; readonly told: SentEvent }
  /** Length of the event as JSON. */
  readonly length: number
}

/** A change as a subscriber receives it. */
export interface SentEvent {
  readonly id: Datasource['id']
  readonly change: ChangeKind
  readonly datasource: Datasource
}

/** The changes of one organization since somebody of it subscribed. */
export class RecentChanges {
  readonly #changes: SentChange[] = []
  readonly #wakes = new Set<() => void>()
  /** The number of the first one that is held. */
  #first = 0
  #length = 0
  /** Up to where they were read; null before the first reading. */
  place: Position | null = null

  /** The number that the next change will have. */
  get next(): number {
    return this.#first + this.#changes.length
  }

  /** Whether anybody listens. */
  get isWatched(): boolean {
    return this.#wakes.size > 0
  }

  /** The change of a number; `gone` when it is no longer held, null when it has not happened yet. */
  at(number: number): SentChange | 'gone' | null {
    if (number < this.#first) return 'gone'
    return this.#changes[number - this.#first] ?? null
  }

  /** Adds changes. The caller wakes the subscribers in turn. */
  add(changes: readonly SentChange[]): void {
    for (const change of changes) {
      this.#changes.push(change)
      this.#length += change.length
    }
    let surplus = 0
    while (this.#changes.length - surplus > MAX_HELD || this.#length > MAX_HELD_LENGTH) {
      this.#length -= this.#changes[surplus]?.length ?? 0
      surplus += 1
    }
    this.#changes.splice(0, surplus)
    this.#first += surplus
  }

  /** Drops the changes that are held, since the next ones do not follow them. Subscribers find their place gone and read the table. */
  cut(): void {
    this.#first = this.next + 1
    this.#changes.length = 0
    this.#length = 0
  }

  /** Calls `wake` after each addition, until the returned function is called. */
  listen(wake: () => void): () => void {
    this.#wakes.add(wake)
    return () => void this.#wakes.delete(wake)
  }

  /** Those who listen now. */
  wakes(): (() => void)[] {
    return [...this.#wakes]
  }

  /** False for one who has left meanwhile. */
  hears(wake: () => void): boolean {
    return this.#wakes.has(wake)
  }
}
