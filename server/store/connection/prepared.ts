/**
 * Names of prepared statements: we have few, they run over and over, and parsing and planning one costs the server more
 * than running it.
 *
 * A name is a hash of the text. Behind a pooler that shares sessions, a sequence number could run another process's
 * statement with our values. A name must never depend on values, and their number must be bounded.
 */
import { createHash } from 'node:crypto'

/** The maximum number of prepared statements per connection; any further ones are planned each time. */
export const MAX_PREPARED = 500

/** The name of a statement; undefined if it has none. */
export type PreparedNames = (text: string) => string | undefined

/** Returns a function that names statements, shared by all connections of a process. */
export function createStatementNames(): PreparedNames {
  const names = new Map<string, string>()
  return text => {
    const known = names.get(text)
    if (known !== undefined || names.size >= MAX_PREPARED) return known
    // PostgreSQL truncates names to 63 bytes; 128 bits of the hash are as good as the text itself.
    const name = `mooring_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
    names.set(text, name)
    return name
  }
}

/** The texts of reads that are compiled once: each has the same columns for as long as it is prepared. */
class PreparedReads {
  readonly #texts = new Set<string>()

  note(text: string): void {
    this.#texts.add(text)
  }

  has(text: string): boolean {
    return this.#texts.has(text)
  }
}

/** The prepared reads of this process, at most as many as there are names. */
export const preparedReads = new PreparedReads()
