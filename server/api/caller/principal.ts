/**
 * Derives the principal from the headers, remembers the keys that were verified, and reads what a request asks for
 * together with the look at such a key: one statement, and one round trip. Remembering and reading ahead decide nothing:
 * a key is served only if its row is found as it was seen, and otherwise `new-token.ts` looks it up. Keys travel only in headers: one in a URL ends up in logs and histories.
 */
import { hash } from 'node:crypto'
import { organizationMoving } from '#server/api/caller/moving.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import { isInForce, type SeenKey } from '#server/store/access/api-keys.ts'
import { isConnectionBroken, NoConnection } from '#server/store/connection/availability.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { Fault } from '#shared/faults/fault.ts'
import { type RememberedKey, type TokenRegistry, verifyToken } from './new-token.ts'
import type { SameTurn } from './same-turn.ts'

/** Request headers, names in lower case. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** True if a request presents any key, valid or not. */
export function presentsKey(headers: Headers): boolean {
  return headers['authorization'] !== undefined || headers['x-api-key'] !== undefined
}

/** The token that a request presents. Throws `apikey_missing`, and `apikey_invalid` for two different ones. */
export function presentedToken(headers: Headers): string {
  const { authorization: given, 'x-api-key': apiKey } = headers
  const authorization = Array.isArray(given) ? given.join(', ') : (given ?? null)
  const bearer = authorization === null ? null : (/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '')
  const key = Array.isArray(apiKey) ? apiKey.join(', ') : (apiKey ?? null)
  if (bearer !== null && key !== null && bearer !== key) throw new Fault('apikey_invalid')
  const token = bearer ?? key
  if (token === null || token === '') throw new Fault(authorization === null ? 'apikey_missing' : 'apikey_invalid')
  return token
}

/** The dependencies for looking a token up, verifying it and remembering it. */
export interface Registry extends TokenRegistry {
  readonly tokenLooks: SameTurn<Principal>
  readonly seenKeys: SeenKeys
}

/**
 * The principal of a request. The row is read after the request has arrived, so that every process applies a revocation
 * from the next request on; requests with one token in one turn of the event loop share the reading, unless they read
 * something ahead with it. Nothing is read ahead for a caller over a rate limit. Throws the 401 and 403 faults of
 * credentials.
 *
 * A key that was seen before is looked at first: its row, if it is the version that was verified. Otherwise, and for
 * everything that is refused, the row is read and verified as if it were new.
 */
export async function authenticate(
  headers: Headers,
  registry: Registry,
  ahead: ReadAhead<unknown> | null = null,
): Promise<Principal> {
  const token = presentedToken(headers)
  // The hash of a token, which is as good as random, tells nothing about it; it stays in this process.
  const name = hash('sha256', token, 'base64')
  const { db, seenKeys, tokens, clock } = registry
  const now = clock().getTime()
  const last = seenKeys.get(name)
  const seen = last !== undefined && last.generation === tokens.generation && now < last.untilMs ? last : undefined
  const isOver = seen !== undefined && (seenKeys.overUntilMs.get(seen.principal) ?? 0) > now
  if (seen !== undefined && ahead !== null && !isOver) {
    if (await ahead.read(db, seen.key)) return seen.principal
    seenKeys.forget(name)
  }
  return registry.tokenLooks.ask(name, async () => {
    const known = ahead === null || isOver ? seen : undefined
    if (known !== undefined && (await isInForce(db, known.key))) return known.principal
    seenKeys.forget(name)
    const { principal, key } = await verifyToken(token, registry)
    if (key !== undefined) seenKeys.set(name, key)
    return principal
  })
}

/**
 * The fault of a caller with a valid credential who is not served here; null for one who is. A moving organization can
 * still read.
 */
export function elsewhere({ move }: Principal): Fault | null {
  if (move === 'moved') return new Fault('organization_moved')
  return move === 'arriving' ? organizationMoving() : null
}

/** Throws the fault of `elsewhere`, for operations that outlast a request. */
export function requireHere(principal: Principal): void {
  const fault = elsewhere(principal)
  if (fault !== null) throw fault
}

/** The maximum number of keys that a process remembers; the oldest is forgotten. */
export const MAX_SEEN = 5_000

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
