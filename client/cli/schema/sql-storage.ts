/**
 * Settings of what rows are kept in → the clause of a statement that gives them.
 *
 * Only the SQL printer uses it. A name that is no setting's is `unfit`; values are literals.
 */
import { literal, unfit } from '#client/cli/schema-sql-text.ts'

/** `fillfactor=70, toast.autovacuum_enabled=false` as a clause; nothing where there are none. */
export function storageClause(storage: string | undefined): string {
  if (storage === undefined) return ''
  const settings = storage.split(', ').map(text => {
    const at = text.indexOf('=')
    const [name, value] = [text.slice(0, at), text.slice(at + 1)]
    return /^(?:[a-z_]+\.)?[a-z_][a-z0-9_]*$/.test(name) ? `${name} = ${literal(value)}` : unfit(text)
  })
  return ` with (${settings.join(', ')})`
}
