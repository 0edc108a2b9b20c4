/**
 * Slots for operations that outlast a request: subscriptions, and callers who wait. Counted in this process per key,
 * per organization and in total, so that nobody occupies the whole process. If none is free, the caller is refused.
 */
import type { Principal } from '#server/domain/access/scope.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The number of slots. */
export interface Places {
  readonly perKey: number
  readonly perOrganization: number
  readonly perProcess: number
}

/** The slots of subscriptions. */
export const STREAMS: Places = { perKey: 100, perOrganization: 500, perProcess: 5_000 }

/** The slots of callers who wait for a worker. */
export const WAITERS: Places = { perKey: 100, perOrganization: 500, perProcess: 5_000 }

/** The delay before a refused caller may retry, in seconds. */
const RETRY_SECONDS = '5'

/** The slots of one process. */
export class Semaphores {
  readonly #places: Places
  readonly #onRefused: () => void
  /** By the id of a key, a capability or an organization: the slots that it holds now. Ids without one are absent. */
  readonly #held = new Map<string, number>()
  #all = 0

  /** `onRefused` is called for each caller who gets no slot. */
  constructor(places: Places, onRefused: () => void = () => undefined) {
    this.#places = places
    this.#onRefused = onRefused
  }

  /** The number of slots taken. */
  get taken(): number {
    return this.#all
  }

  /**
   * Takes a slot until it is disposed of; disposing of it twice is harmless. Throws `rate_limit_exceeded` if none is
   * free.
   */
  take({ id, organizationId }: Pick<Principal, 'id' | 'organizationId'>): Disposable {
    const { perKey, perOrganization, perProcess } = this.#places
    const isFull = this.of(id) >= perKey || this.of(organizationId) >= perOrganization || this.#all >= perProcess
    if (isFull) {
      this.#onRefused()
      throw new Fault('rate_limit_exceeded', { headers: { 'Retry-After': RETRY_SECONDS } })
    }
    this.#add([id, organizationId], 1)
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#add([id, organizationId], -1)
        isHeld = false
      },
    }
  }

  /** The number of slots that a key or an organization holds now. */
  of(id: string): number {
    return this.#held.get(id) ?? 0
  }

  #add(ids: readonly string[], by: 1 | -1): void {
    this.#all += by
    for (const id of ids) {
      const held = this.of(id) + by
      if (held === 0) this.#held.delete(id)
      else this.#held.set(id, held)
    }
  }
}
