/**
 * Places for what lasts longer than a request: subscriptions, and callers who wait. Counted in this process for a key, for
 * its organization and for all, so that nobody holds the whole process. If none is free, the caller is refused.
 */
import type { Principal } from '#server/domain/access/scope.ts'
import { Fault } from '#shared/faults/fault.ts'

/** How many places there are. */
export interface Places {
  readonly perKey: number
  readonly perOrganization: number
  readonly perProcess: number
}

/** Of subscriptions. */
export const STREAMS: Places = { perKey: 100, perOrganization: 500, perProcess: 5_000 }

/** Of callers who wait for a worker. */
export const WAITERS: Places = { perKey: 100, perOrganization: 500, perProcess: 5_000 }

/** How soon a caller who found no place may try again, in seconds. */
const RETRY_SECONDS = '5'

/** The places of one process. */
export class Semaphores {
  readonly #places: Places
  readonly #onRefused: () => void
  /** By the id of a key, a capability or an organization: how many it holds now. An id with none is not there. */
  readonly #held = new Map<string, number>()
  #all = 0

  /** `onRefused` is called for each caller who finds no place. */
  constructor(places: Places, onRefused: () => void = () => undefined) {
    this.#places = places
    this.#onRefused = onRefused
  }

  /** How many places are taken. */
  get taken(): number {
    return this.#all
  }

  /** Takes a place until it is disposed of, which may be done twice. Throws `rate_limit_exceeded` where none is free. */
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

  /** How many a key or an organization holds now. */
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
