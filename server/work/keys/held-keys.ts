/**
 * The keys of an organization while its credentials are resealed: each is unwrapped once for a pass and wiped at its
 * end. Called by `reseal.ts`.
 */
import type { WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import { type HeldKey, SealBroken } from '#server/seal/held-key.ts'
import { requireKeysOf } from '#server/work/credentials/open.ts'
import type { WorkerDeps } from '#server/work/deps.ts'

/** An organization's keys, unwrapped once for a pass and wiped at its end; an organization has only a few. */
export class HeldKeys {
  readonly #parts: WorkerDeps
  readonly #rows: readonly WrappedOrganizationKey[]
  readonly #held = new Map<string, HeldKey>()

  constructor(deps: WorkerDeps, rows: readonly WrappedOrganizationKey[]) {
    this.#parts = deps
    this.#rows = rows
  }

  /**
   * Throws `SealBroken` for a key that is missing or not ours, and `KeyLacking` for one that only another worker can
   * open.
   */
  of(keyId: string): HeldKey {
    const known = this.#held.get(keyId)
    if (known !== undefined) return known
    const row = this.#rows.find(key => key.id === keyId)
    if (row === undefined) throw new SealBroken()
    requireKeysOf(this.#parts, row)
    const held = this.#parts.unsealer.hold(row)
    this.#held.set(keyId, held)
    return held
  }

  [Symbol.dispose](): void {
    for (const held of this.#held.values()) held[Symbol.dispose]()
    this.#held.clear()
  }
}
