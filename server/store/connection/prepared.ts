/**
 * Names of prepared statements: ours are few and run over and over, and reading and planning one costs the server more than
 * running it.
 *
 * A name is a hash of the text. Behind a pooler that hands a session on, a name that were a number would run another
 * process's statement with our values. It must never be made of values, nor be made without bound.
 */
import { createHash } from 'node:crypto'

/** So many are prepared in each connection at most; what is written beyond them is planned each time. */
export const MAX_PREPARED = 500

/** Makes names, for all connections of a process. */
export function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>()
  return text => {
    const known = names.get(text)
    if (known !== undefined || names.size >= MAX_PREPARED) return known
    // PostgreSQL cuts names at 63 bytes; 128 bits are as good as the text itself.
    const name = `mooring_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
    names.set(text, name)
    return name
  }
}
