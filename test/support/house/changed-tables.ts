/**
 * The tables that a statement changes, by its syntax tree, and the statements in the body of a function. A statement
 * that changes several is a commit over several nodes when an engine distributes the tables, and costs more than
 * separate ones on one server.
 */
import { parsePlPgSQLSync, parseSync } from 'libpg-query'

const CHANGING = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

/** The tables that it inserts into, updates or deletes from, one entry for each time. */
export function changedTables(text: string): string[] {
  const found: string[] = []
  walk(parseSync(text), (key, value) => {
    const relation = Reflect.get(value, 'relation')
    if (CHANGING.has(key) && typeof relation === 'object') found.push(String(Reflect.get(Object(relation), 'relname')))
  })
  return found
}

const STATEMENT = /^\s*(insert|update|delete|merge|select|with)\b/i

/** The statements of a function, as `pg_get_functiondef` prints it, in PL/pgSQL or SQL. */
export function statementsOfFunction(definition: string): string[] {
  if (!/^ LANGUAGE plpgsql\b/m.test(definition))
    return [/AS \$function\$([\s\S]*)\$function\$/.exec(definition)?.[1] ?? '']
  const found: string[] = []
  walk(parsePlPgSQLSync(definition), (key, value) => {
    const query: unknown = Reflect.get(value, 'query')
    if (key === 'PLpgSQL_expr' && typeof query === 'string' && STATEMENT.test(query)) found.push(query)
  })
  return found
}

function walk(value: unknown, found: (key: string, value: object) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'object' && inner !== null) found(key, inner)
    walk(inner, found)
  }
}
