/**
 * Keys that a process has verified before, and reads that go out together with the look at such a key: one statement,
 * and one round trip. Neither decides anything: a key is served only if its row is found as it was seen, and otherwise
 * `principal.ts` looks it up as if it were new.
 */
import type { Principal } from '#server/domain/access/scope.ts'
import type { SeenKey } from '#server/store/access/api-keys.ts'
import { isConnectionBroken, NoConnection } from '#server/store/connection/availability.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** The maximum number of keys that a process remembers; the oldest is forgotten. */
export const MAX_SEEN = 5_000

/** A key whose row was verified. */
export interface RememberedKey {
  readonly key: SeenKey
  readonly principal: Principal
  readonly lastUsedAt: Date | null
  /** The keyring that verified it, as `Tokens` counts them. */
  readonly generation: number
}

/** Remembered keys, by a hash of the token. */
export class SeenKeys {
  readonly #seen = new Map<string, RememberedKey>()
  /**
   * The times, in milliseconds since 1970, until which callers are over a rate limit. Nothing is read for such a caller
   * before it is admitted: a refusal must stay cheap, or the limit protects nothing.
   */
  readonly overUntilMs = new WeakMap<Principal, number>()

  get(name: string): RememberedKey | undefined {
    return this.#seen.get(name)
  }

  set(name: string, seen: RememberedKey): void {
    const [oldest] = this.#seen.keys()
    if (oldest !== undefined && this.#seen.size >= MAX_SEEN) this.#seen.delete(oldest)
    this.#seen.set(name, seen)
  }

  forget(name: string): void {
    this.#seen.delete(name)
  }
}

/** A read that a request needs once its caller is known, made together with the look at the caller's key. */
export abstract class ReadAhead<T> {
  #found: T | undefined
  #failed: { readonly error: unknown } | null = null

  /** Reads with the key; undefined if what was seen of the key no longer holds. */
  protected abstract look(db: Db, seen: SeenKey): Promise<T | undefined>

  /**
   * Reads. False, with nothing found, if what was seen of the key no longer holds or the statement failed. Throws if the
   * database is away.
   */
  async read(db: Db, seen: SeenKey): Promise<boolean> {
    try {
      this.#found = await this.look(db, seen)
      return this.#found !== undefined
    } catch (error) {
      if (error instanceof NoConnection || isConnectionBroken(error)) throw error
      this.#failed = { error }
      return false
    }
  }

  /** The result; undefined if nothing was read. Throws the error of the statement, to a caller who is known by then. */
  protected get found(): T | undefined {
    if (this.#failed !== null) throw this.#failed.error
    return this.#found
  }
}
