/**
 * The latest changes of one organization, held once for all of its subscribers. Each of them only holds a position in
 * it, so that any number of slow readers costs as much as one. Bounded in number and in size: the oldest is dropped,
 * and a subscriber whose position is gone reads from the table.
 */
import type { Position } from '#server/store/changes/change-reads.ts'
import type { ChangeKind } from '#server/store/database/changes.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'

/** The number of changes held for the subscribers of an organization. */
export const MAX_HELD = 1_000
/** The total size of their JSON, in UTF-16 units. */
export const MAX_HELD_LENGTH = 4 << 20

/** One change as delivered. */
export interface SentChange extends Position {
  readonly datasourceId: string
  /** Id and content of the event: one object for all recipients, so that it is serialised once. */
  readonly event: { readonly id: string; readonly sent: SentEvent }
  /** The length of the event as JSON. */
  readonly length: number
}

/** A change as a subscriber receives it. */
export interface SentEvent {
  readonly id: Datasource['id']
  readonly change: ChangeKind
  readonly datasource: Datasource
}

/** The changes of one organization since its first subscription. */
export class RecentChanges {
  readonly #changes: SentChange[] = []
  readonly #wakes = new Set<() => void>()
  /** The index of the first change that is held. */
  #first = 0
  #length = 0
  /** The position up to which changes were read; null before the first reading. */
  place: Position | null = null

  /** The index that the next change will have. */
  get next(): number {
    return this.#first + this.#changes.length
  }

  /** True if anyone listens. */
  get isWatched(): boolean {
    return this.#wakes.size > 0
  }

  /** The change at an index; `gone` if it is no longer held, null if it has not happened yet. */
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

  /**
   * Drops the held changes, because the next ones do not follow them without a gap. Subscribers find their position
   * gone and read the table.
   */
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

  /** The current listeners. */
  wakes(): (() => void)[] {
    return [...this.#wakes]
  }

  /** False if the listener has left in the meantime. */
  hears(wake: () => void): boolean {
    return this.#wakes.has(wake)
  }
}
