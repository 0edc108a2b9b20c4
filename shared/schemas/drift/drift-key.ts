/**
 * Whether a key that is gone lives on under another name: as a constraint, or as a unique index.
 *
 * Only the rules of drift use it. Texts and their number are a stranger's: each is read once, from left to right.
 */
import { type Node, nodesIn } from '#shared/schemas/snapshot-parts.ts'

/** The spelled columns of every plain key of a relation. */
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

/** True when a key over the very same columns is among `keys`, which are those of another state of its relation. */
export function isReplaced(key: Node | undefined, keys: ReadonlySet<string>): boolean {
  const columns = key === undefined ? null : columnsOf(key)
  return columns !== null && keys.has(columns)
}

/** The spelled columns of a plain key; null for what is none, or is more than its columns. */
function columnsOf(node: Node): string | null {
  const { kind, columns, definition } = node
  if (kind === undefined) {
    // An index that could not be built rejects no row.
    if (node['unique'] !== true || node['invalid'] === true) return null
    return indexColumns(String(definition))
  }
  const isPlain = (kind === 'primary_key' || kind === 'unique') && definition === undefined && Array.isArray(columns)
  return isPlain ? columns.map(String).join(', ') : null
}

const BTREE = ' USING btree ('

/**
 * The columns of a unique B-tree index, as `pg_get_indexdef` spells it, without quotes. All that follows them is taken with
 * them: then they equal no constraint's. Null for another index.
 */
function indexColumns(definition: string): string | null {
  const at = definition.lastIndexOf(BTREE)
  if (at < 0 || !definition.startsWith('CREATE UNIQUE INDEX ') || !definition.endsWith(')')) return null
  return unquoted(definition.slice(at + BTREE.length, -1))
}

/** Names without their quotes, and each doubled quote inside as one. A quote that is never closed stays. */
function unquoted(text: string): string {
  const parts = text.split('"')
  let result = parts[0] ?? ''
  let isInside = false
  for (let at = 1; at < parts.length; at += 1) {
    const part = parts[at] ?? ''
    // Two quotes in a row within a name are one quote of it.
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
