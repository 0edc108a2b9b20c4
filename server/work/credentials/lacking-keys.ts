/**
 * Organizations whose keys the keyring of this worker lacks, as far as it was met with: for a while their tasks are left to
 * workers that have them, instead of being claimed and given back in a circle. Held by the loop.
 */

/** For so long an organization's tasks are left to others, after one that could not be opened. */
export const LEFT_MS = 5_000
/** Organizations that are remembered; the one that was met first goes. */
export const MAX_LEFT = 1_000

/** The organizations, for a while each. */
export class LackingKeys {
  /** Until when, on the clock of `performance.now()`; in the order in which they were met. */
  readonly #until = new Map<string, number>()

  /** A task of the organization could not be opened. */
  met(organizationId: string): void {
    this.#until.delete(organizationId)
    this.#until.set(organizationId, performance.now() + LEFT_MS)
    const [first] = this.#until.keys()
    if (this.#until.size > MAX_LEFT && first !== undefined) this.#until.delete(first)
  }

  /** As if each of them held so many claims already, which is as many as it may: so none of its tasks is claimed. */
  asHeld(perOrganization: number): string[] {
    const now = performance.now()
    for (const [organizationId, until] of this.#until) if (until <= now) this.#until.delete(organizationId)
    return [...this.#until.keys()].flatMap(organizationId => Array<string>(perOrganization).fill(organizationId))
  }

  /** Another keyring may have what this one lacked. */
  clear(): void {
    this.#until.clear()
  }
}
