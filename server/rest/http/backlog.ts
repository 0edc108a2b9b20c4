/**
 * Counts the bytes buffered in this process for clients that do not read, per organization, so that they are bounded
 * whatever its readers do. Held by the writer of subscriptions.
 */

/** The bytes buffered for the slow readers of an organization; beyond them a stream is cut off. */
export const MAX_BACKLOG_BYTES = 32 << 20

/** The backlog of every organization. */
export class Backlog {
  /** By organization; those without slow readers are absent. */
  readonly #bytes = new Map<string, number>()

  /** Counts bytes until they are sent or their stream ends; false if there are too many. */
  hold(organizationId: string, bytes: number): (() => void) | false {
    const held = this.#bytes.get(organizationId) ?? 0
    if (held + bytes > MAX_BACKLOG_BYTES) return false
    this.#bytes.set(organizationId, held + bytes)
    return () => {
      const left = (this.#bytes.get(organizationId) ?? 0) - bytes
      if (left > 0) this.#bytes.set(organizationId, left)
      else this.#bytes.delete(organizationId)
    }
  }
}
