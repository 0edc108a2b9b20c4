/**
 * Whether a key that is gone lives on under another name: as a constraint, or as a unique index.
 *
 * Only the rules of drift use it.
 */
import { type Node, nodesIn } from './snapshot-parts.ts'

/** The columns of a B-tree index, as `pg_get_indexdef` spells it, and all that follows: then they equal no constraint's. */
const COLUMNS = /^CREATE UNIQUE INDEX .* USING btree \((.*)\)$/s

/** True when a relation has another key over the very same columns. */
export function isReplaced(key: Node | undefined, relation: Node): boolean {
  const columns = key === undefined ? null : columnsOf(key)
  if (columns === null) return false
  const others = [...nodesIn(relation, 'constraints'), ...nodesIn(relation, 'indexes')]
  return others.some(other => columnsOf(other) === columns)
}

/** The spelled columns of a plain key; null for what is none, or is more than its columns. */
function columnsOf(node: Node): string | null {
  const { kind, columns, definition } = node
  if (kind === undefined) {
    // What could not be built keeps no row out.
    if (node['unique'] !== true || node['invalid'] === true) return null
    return COLUMNS.exec(String(definition))?.[1]?.replace(/"((?:[^"]|"")*)"/g, unquoted) ?? null
  }
  const isPlain = (kind === 'primary_key' || kind === 'unique') && definition === undefined && Array.isArray(columns)
  return isPlain ? columns.map(String).join(', ') : null
}

function unquoted(_: string, name: string): string {
  return name.replaceAll('""', '"')
}
