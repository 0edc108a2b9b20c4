/**
 * Batches writes that would wait for each other anyway: while a write of an organization is being committed, the next
 * ones gather and are sent as one statement with one commit. Each is answered after its own commit, never before.
 *
 * It must batch only writes that one organization's rows serialise: a tenant's registrations wait for its quota and its
 * change numbers until the previous one has reached the disk. Called by `registration.ts`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import { codeOf, isAway, isContended, NoConnection } from '#server/store/connection/availability.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** The maximum number of entries in one batch. */
export const MAX_JOINED = 32

/** Writes entries of one organization in one transaction; returns an outcome for each, in their order. */
export type WriteAll<E, O> = (db: Db, org: string, entries: readonly E[]) => Promise<readonly O[]>

interface Waiting<E, O> {
  readonly entry: E
  /** The caller's async context, including the organization charged for the connection. */
  readonly inContext: ReturnType<typeof AsyncLocalStorage.snapshot>
  resolve(outcome: O): void
  reject(error: unknown): void
}

/** Batches writes per organization. */
export class JoinedWrites<E, O> {
  readonly #write: WriteAll<E, O>
  /** By database and organization; present while a write of it is in progress. */
  readonly #lines = new WeakMap<Db, Map<string, Waiting<E, O>[]>>()

  constructor(write: WriteAll<E, O>) {
    this.#write = write
  }

  /** Writes an entry, alone or in a batch. Throws the database's error. */
  add(db: Db, org: string, entry: E): Promise<O> {
    const { promise, resolve, reject } = Promise.withResolvers<O>()
    const one = { entry, inContext: AsyncLocalStorage.snapshot(), resolve, reject }
    const lines = this.#lines.get(db) ?? new Map<string, Waiting<E, O>[]>()
    this.#lines.set(db, lines)
    const line = lines.get(org)
    if (line !== undefined) line.push(one)
    else {
      lines.set(org, [one])
      void this.#run(lines, db, org)
    }
    return promise
  }

  async #run(lines: Map<string, Waiting<E, O>[]>, db: Db, org: string): Promise<void> {
    const line = lines.get(org) ?? []
    while (line.length > 0) {
      // Entries that arrive in this turn of the event loop belong to the batch.
      await setImmediate()
      const away = await this.#together(db, org, line.splice(0, MAX_JOINED))
      // They would wait just as long, one statement after the other, and were never sent: callers get an answer that says to retry
      // later.
      if (away !== null) for (const { reject } of line.splice(0)) reject(new NoConnection(away))
    }
    lines.delete(org)
  }

  /**
   * Never throws; returns the error if the database is unavailable, else null. If the server rejects one entry, the
   * whole batch fails: each entry is then written separately.
   */
  async #together(db: Db, org: string, all: readonly Waiting<E, O>[]): Promise<unknown> {
    const [first] = all
    if (first === undefined) return null
    const entries: E[] = []
    for (const { entry } of all) entries.push(entry)
    try {
      const outcomes = await first.inContext(this.#write, db, org, entries)
      if (outcomes.length !== all.length) throw new Error('a write has no outcome')
      for (const [at, { resolve }] of all.entries()) resolve(outcomes[at] as O) // one outcome per entry
    } catch (error) {
      if (all.length > 1 && isRefusal(error)) for (const one of all) await this.#together(db, org, [one])
      else for (const { reject } of all) reject(error)
      return isAway(error) && !isContended(error) ? error : null
    }
    return null
  }
}

/**
 * True if the server rolled the whole batch back because of the rows themselves. A write that may have succeeded is
 * never repeated.
 */
function isRefusal(error: unknown): boolean {
  return codeOf(error) !== '' && !isAway(error)
}
