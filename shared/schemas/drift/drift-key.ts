/**
 * Decides whether a removed key lives on under another name, as a constraint or as a unique index.
 *
 * Only the rules of drift use this. The texts and their number are untrusted: each text is read once, from left to
 * right.
 */
import { type Node, nodesIn } from '#shared/schemas/snapshot-parts.ts'

/** Returns the formatted column list of every plain key of a relation. */
export function keyColumnsOf(relation: Node): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const list of ['constraints', 'indexes']) {
    for (const node of nodesIn(relation, list)) {
      const columns = columnsOf(node)
      if (columns !== null) keys.add(columns)
    }
  }
  return keys
}

/** True if `keys`, taken from the other state of the relation, contains a key over the same columns. */
export function isReplaced(key: Node | undefined, keys: ReadonlySet<string>): boolean {
  const columns = key === undefined ? null : columnsOf(key)
  return columns !== null && keys.has(columns)
}

/** Returns the formatted column list of a plain key; null for anything else, such as a key with further clauses. */
function columnsOf(node: Node): string | null {
  const { kind, columns, definition } = node
  if (kind === undefined) {
    // An index whose build failed does not reject any row.
    if (node['unique'] !== true || node['invalid'] === true) return null
    return indexColumns(String(definition))
  }
  const isPlain = (kind === 'primary_key' || kind === 'unique') && definition === undefined && Array.isArray(columns)
  return isPlain ? columns.map(String).join(', ') : null
}

const BTREE = ' USING btree ('

/**
 * Returns the columns of a unique B-tree index, unquoted, from the text of `pg_get_indexdef`; null for another index.
 * Any clause after the columns is included, so that such an index never equals a constraint.
 */
function indexColumns(definition: string): string | null {
  const at = definition.lastIndexOf(BTREE)
  if (at < 0 || !definition.startsWith('CREATE UNIQUE INDEX ') || !definition.endsWith(')')) return null
  return unquoted(definition.slice(at + BTREE.length, -1))
}

/** Removes the quotes around names and undoubles quotes inside them. A quote that is never closed stays. */
function unquoted(text: string): string {
  const parts = text.split('"')
  let result = parts[0] ?? ''
  let isInside = false
  for (let at = 1; at < parts.length; at += 1) {
    const part = parts[at] ?? ''
    // Two consecutive quotes inside a name stand for one quote.
    if (isInside && part === '' && at + 1 < parts.length) {
      at += 1
      result += `"${parts[at] ?? ''}`
    } else {
      isInside = !isInside
      if (isInside && at === parts.length - 1) result += '"'
      result += part
    }
  }
  return result
}
