/**
 * The signed-in key, held in memory and in `sessionStorage`, which ends with the tab. It is never in a URL, a cookie or
 * `localStorage`, and only the client's header uses it. Created once by `main.tsx`; pages use `session-context.tsx`.
 */

/** A key, and whether the console created it from a terminal code and therefore revokes it at sign-out. */
export interface SignedIn {
  readonly key: string
  /** The key's id if it was created for this session; otherwise null. */
  readonly ownKeyId: KeyId | null
}

type KeyId = `key_${string}`

/** The part of `sessionStorage` that the session uses. */
export type SessionStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

const NAME = 'mooring.session'

/** The session of this tab. */
export class TabSession {
  readonly #store: SessionStore
  readonly #wakes = new Set<() => void>()
  #current: SignedIn | null

  constructor(store: SessionStore) {
    this.#store = store
    this.#current = read(store)
  }

  /** Returns the signed-in key; the same object until the session changes. */
  readonly current = (): SignedIn | null => this.#current

  /** Starts a session with a key. */
  begin(signedIn: SignedIn): void {
    this.#store.setItem(NAME, JSON.stringify(signedIn))
    this.#set(signedIn)
  }

  /** Forgets the key. */
  end(): void {
    this.#store.removeItem(NAME)
    this.#set(null)
  }

  /** Calls `wake` after each change until the returned function is called. */
  readonly listen = (wake: () => void): (() => void) => {
    this.#wakes.add(wake)
    return () => void this.#wakes.delete(wake)
  }

  #set(current: SignedIn | null): void {
    this.#current = current
    for (const wake of this.#wakes) wake()
  }
}

function read(store: SessionStore): SignedIn | null {
  const kept: unknown = parsed(store.getItem(NAME))
  const key: unknown = Reflect.get(Object(kept), 'key')
  const ownKeyId: unknown = Reflect.get(Object(kept), 'ownKeyId')
  return typeof key === 'string' ? { key, ownKeyId: isKeyId(ownKeyId) ? ownKeyId : null } : null
}

function isKeyId(value: unknown): value is KeyId {
  return typeof value === 'string' && value.startsWith('key_')
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}
