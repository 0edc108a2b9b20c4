/**
 * Converts a snapshot into an entity-relationship diagram in Mermaid's language: the output of `mooring schema
 * mermaid`.
 *
 * Mermaid has no escapes. A name that its grammar (`erDiagram.jison`) rejects is shown with substitute characters, and
 * given in full in a comment as far as possible. The generators on npm all need a live database, and none of them is
 * written for untrusted names.
 */
import { escapeUnprintable } from '#shared/base/printable.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { Column, Constraint, Relation } from '#shared/schemas/snapshot-relation.ts'

/** Mermaid's default limits (`maxTextSize`, `maxEdges`). */
const MAX_TEXT = 50_000
const MAX_EDGES = 500
const TOO_LARGE = `%% This is more than Mermaid draws by default (${MAX_TEXT} characters, ${MAX_EDGES} relationships).
%% Narrow it with --schema NAME or --table NAME, or raise maxTextSize and maxEdges.
`

interface Entity {
  readonly schema: string
  readonly relation: Relation
  readonly label: string
}

/** Returns a diagram of the tables and views, their columns with keys, and the foreign keys between them. */
export function schemaMermaid(snapshot: Snapshot): string {
  const labels = new Set<string>()
  const entities = snapshot.schemas.flatMap(({ name: schema, relations }) =>
    relations.map((relation): Entity => ({ schema, relation, label: freshLabel(labels, schema, relation.name) })),
  )
  const byName = new Map(entities.map(entity => [JSON.stringify([entity.schema, entity.relation.name]), entity]))
  const lines = ['erDiagram']
  for (const { label, relation } of entities) {
    lines.push(`  "${label}" {`, ...relation.columns.map(column => `    ${attribute(column, relation)}`), '  }')
  }
  for (const { label, relation } of entities) {
    for (const constraint of relation.constraints ?? []) {
      if (!constraint.references) continue
      const { schema, relation: name } = constraint.references
      const target = byName.get(JSON.stringify([schema, name]))?.label ?? labelOf(schema, name)
      lines.push(`  "${label}" ${cardinality(constraint, relation)} "${target}" : "${quotable(constraint.name)}"`)
    }
  }
  const text = `${lines.join('\n')}\n`
  const edges = lines.filter(line => /^ {2}"[^"]*" [|}]/.test(line)).length
  return text.length > MAX_TEXT || edges > MAX_EDGES ? `${TOO_LARGE}${text}` : text
}

function attribute(column: Column, relation: Relation): string {
  const keys = keysOf(column.name, relation.constraints ?? [])
  const remarks = [word(column.name) === column.name ? '' : quotable(column.name), column.notNull ? 'not null' : '']
  const remark = remarks.filter(text => text !== '').join(', ')
  return [word(column.type), word(column.name), keys.join(', '), remark && `"${remark}"`].filter(Boolean).join(' ')
}

function keysOf(column: string, constraints: readonly Constraint[]): string[] {
  const inKind = (kind: Constraint['kind'], alone: boolean) =>
    constraints.some(it => it.kind === kind && it.columns.includes(column) && (!alone || it.columns.length === 1))
  const keys: string[] = []
  if (inKind('primary_key', false)) keys.push('PK')
  if (inKind('foreign_key', false)) keys.push('FK')
  if (inKind('unique', true)) keys.push('UK')
  return keys
}

/**
 * Returns the cardinality of a foreign key: many rows, or at most one if the key is unique, refer to one row, or to
 * none if a column may be null.
 */
function cardinality(constraint: Constraint, relation: Relation): string {
  const columns = new Set(constraint.columns)
  const isUnique = (relation.constraints ?? []).some(
    ({ kind, columns: key }) => (kind === 'primary_key' || kind === 'unique') && key.every(name => columns.has(name)),
  )
  const mayBeNull = relation.columns.some(column => columns.has(column.name) && !column.notNull)
  return `${isUnique ? '|o' : '}o'}--${mayBeNull ? 'o|' : '||'}`
}

function freshLabel(taken: Set<string>, schema: string, name: string): string {
  const label = labelOf(schema, name)
  let fresh = label
  for (let number = 2; taken.has(fresh); number++) fresh = `${label} (${number})`
  taken.add(fresh)
  return fresh
}

function labelOf(schema: string, name: string): string {
  return quotable(schema === 'public' ? name : `${schema}.${name}`) || '_'
}

/**
 * Escapes text for double quotes. Apart from quotes, `%%` begins a comment or a directive, `#` and `&` an entity, a
 * backquote Markdown (and ends a code block that holds the diagram), and `<` a tag of the page that renders it.
 */
function quotable(text: string): string {
  return escapeUnprintable(text.replaceAll('"', "'"), () => '_').replace(/[%\\#&;<>`{}]/g, '_')
}

/** Returns one word of Mermaid's grammar. The letters of a key alone would be read as a key. */
function word(text: string): string {
  const letters = text.replace(/[^A-Za-z0-9_[\]()]/g, '_')
  return /^[A-Za-z_]/.test(letters) && !/^(pk|fk|uk)\b/i.test(letters) ? letters : `_${letters}`
}
