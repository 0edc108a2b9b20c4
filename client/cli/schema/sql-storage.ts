/**
 * Converts storage parameters into the clause that sets them.
 *
 * Only the SQL printer uses this. An invalid name is `unfit`; values become literals.
 */
import { literal, unfit } from '#client/cli/schema-sql-text.ts'

/** Returns `fillfactor=70, toast.autovacuum_enabled=false` as a clause; an empty text if there are no parameters. */
export function storageClause(storage: string | undefined): string {
  if (storage === undefined) return ''
  const settings = storage.split(', ').map(text => {
    const at = text.indexOf('=')
    const [name, value] = [text.slice(0, at), text.slice(at + 1)]
    return /^(?:[a-z_]+\.)?[a-z_][a-z0-9_]*$/.test(name) ? `${name} = ${literal(value)}` : unfit(text)
  })
  return ` with (${settings.join(', ')})`
}
