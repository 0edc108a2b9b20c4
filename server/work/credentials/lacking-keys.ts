/**
 * Organizations whose keys this worker's keyring lacks, as discovered so far: for a while their tasks are left to
 * workers that have the keys, instead of being claimed and released in a loop. Held by the loop.
 */

/** How long an organization's tasks are left to other workers after one that could not be opened. */
export const LEFT_MS = 5_000
/** The maximum number of remembered organizations; the oldest entry is evicted. */
export const MAX_LEFT = 1_000

/** The organizations, each remembered for a while. */
export class LackingKeys {
  /** The end of each entry, on the clock of `performance.now()`; in the order of discovery. */
  readonly #until = new Map<string, number>()

  /** Records that a task of the organization could not be opened. */
  met(organizationId: string): void {
    this.#until.delete(organizationId)
    this.#until.set(organizationId, performance.now() + LEFT_MS)
    const [first] = this.#until.keys()
    if (this.#until.size > MAX_LEFT && first !== undefined) this.#until.delete(first)
  }

  /** Counts each of them as holding its maximum number of claims, so that none of its tasks is claimed. */
  asHeld(perOrganization: number): string[] {
    const now = performance.now()
    for (const [organizationId, until] of this.#until) if (until <= now) this.#until.delete(organizationId)
    return [...this.#until.keys()].flatMap(organizationId => Array<string>(perOrganization).fill(organizationId))
  }

  /** A new keyring may have the keys that the old one lacked. */
  clear(): void {
    this.#until.clear()
  }
}
