/**
 * A snapshot as a flat list of lines, schema by schema, and the search over it. Lines are prepared once, so a key
 * stroke costs one pass over the texts: 10,000 tables take a few milliseconds. Names come from a customer's server and
 * are only displayed.
 */
import type { SchemaSnapshot, Snapshot } from '#shared/schemas/snapshot.ts'
import type { Routine } from '#shared/schemas/snapshot-object.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'

/** One line: the heading of a schema, a table or view, or a function. */
export type OutlineLine =
  | { readonly kind: 'schema'; readonly key: string; readonly schema: string; readonly count: number }
  | {
      readonly kind: 'relation'
      readonly key: string
      readonly schema: string
      readonly relation: Relation
      readonly searched: string
    }
  | {
      readonly kind: 'routine'
      readonly key: string
      readonly schema: string
      readonly routine: Routine
      readonly searched: string
    }

/** Returns all lines, in the order of the snapshot. */
export function outlineOf(snapshot: Snapshot): readonly OutlineLine[] {
  return snapshot.schemas.flatMap(linesOf)
}

function linesOf(schema: SchemaSnapshot): OutlineLine[] {
  const { name, relations, functions = [] } = schema
  const tables = relations.map(
    (relation): OutlineLine => ({
      kind: 'relation',
      key: keyOf(name, relation.name),
      schema: name,
      relation,
      searched: [`${name}.${relation.name}`, ...relation.columns.map(column => column.name)].join('\n').toLowerCase(),
    }),
  )
  const routines = functions.map(
    (routine): OutlineLine => ({
      kind: 'routine',
      key: keyOf(name, routine.name),
      schema: name,
      routine,
      searched: `${name}.${routine.name}`.toLowerCase(),
    }),
  )
  const heading: OutlineLine = {
    kind: 'schema',
    key: keyOf(name, ''),
    schema: name,
    count: tables.length + routines.length,
  }
  return [heading, ...tables, ...routines]
}

/** Returns the key of an object. It keeps schema and name separate, because a name may contain a dot. */
export function keyOf(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}

/** Returns the schema and name of a key. */
export function namesOfKey(key: string): { schema: string; name: string } {
  const [schema, name]: unknown[] = JSON.parse(key)
  return { schema: String(schema), name: String(name) }
}

/** Returns the lines that contain every word of a search, each under the heading of its schema. */
export function searched(lines: readonly OutlineLine[], search: string): readonly OutlineLine[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return lines
  const found: OutlineLine[] = []
  let heading: Extract<OutlineLine, { kind: 'schema' }> | null = null
  for (const line of lines) {
    if (line.kind === 'schema') heading = line
    else if (words.every(word => line.searched.includes(word))) {
      if (heading !== null) found.push(heading)
      heading = null
      found.push(line)
    }
  }
  return found
}
