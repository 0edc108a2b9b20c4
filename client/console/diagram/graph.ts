/**
 * The tables and foreign keys that a diagram shows: those of a schema, or of one table with its neighbours. Pure
 * functions. Names come from a customer's server and are only displayed.
 */
import { keyOf } from '#client/console/schemas/outline.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'

/** A line of a table: a column, and the keys that it belongs to. */
export interface ColumnLine {
  readonly name: string
  readonly type: string
  readonly isPrimary: boolean
  readonly isForeign: boolean
}

/** A table of the diagram. */
export interface TableBox {
  readonly key: string
  readonly schema: string
  readonly name: string
  /** Keys first, then other columns in table order, up to a maximum. */
  readonly columns: readonly ColumnLine[]
  /** The number of columns that are left out. */
  readonly more: number
}

/** A foreign key, from its table to the referenced table. */
export interface Tie {
  readonly key: string
  readonly from: string
  readonly to: string
  readonly columns: readonly string[]
}

/** Everything that can be drawn. */
export interface Graph {
  readonly tables: readonly TableBox[]
  readonly ties: readonly Tie[]
}

/** The maximum number of tables in one picture; beyond it, the reader must choose a table first. */
export const MOST_TABLES = 60
/**
 * The maximum number of foreign keys in one picture. Laying out a thousand takes seconds, and the schema is untrusted.
 */
export const MOST_TIES = 300
const MOST_COLUMNS = 8
/** The maximum number of key columns, which may exceed that of other columns. */
const MOST_KEYS = 16

/** Prepares a whole snapshot once. Views have no foreign keys and are left out. */
export function graphOf(snapshot: Snapshot): Graph {
  const all = snapshot.schemas.flatMap(({ name, relations }) =>
    relations.filter(({ kind }) => kind.endsWith('table')).map(relation => ({ schema: name, relation })),
  )
  const tables = all.map(({ schema, relation }) => boxOf(schema, relation))
  const known = new Set(tables.map(({ key }) => key))
  const ties = all
    .flatMap(({ schema, relation }) => tiesOf(keyOf(schema, relation.name), relation))
    .filter(({ to }) => known.has(to))
  return { tables, ties }
}

/** Returns the tables of one schema, with the foreign keys between them. */
export function schemaGraph({ tables, ties }: Graph, schema: string): Graph {
  return within(
    { tables, ties },
    tables.filter(table => table.schema === schema).map(({ key }) => key),
  )
}

/** Returns a table with the tables that it refers to and those that refer to it. */
export function neighbourGraph(graph: Graph, table: string): Graph {
  const beside = graph.ties.flatMap(({ from, to }) => (from === table ? [to] : to === table ? [from] : []))
  return within(graph, [table, ...beside])
}

function within({ tables, ties }: Graph, keys: readonly string[]): Graph {
  const kept = new Set(keys)
  return {
    tables: tables.filter(({ key }) => kept.has(key)),
    ties: ties.filter(({ from, to }) => kept.has(from) && kept.has(to)),
  }
}

function boxOf(schema: string, { name, columns, constraints = [] }: Relation): TableBox {
  const within = (kind: string) => new Set(constraints.filter(one => one.kind === kind).flatMap(one => one.columns))
  const primary = within('primary_key')
  const foreign = within('foreign_key')
  const lines = columns.map(column => ({
    name: column.name,
    type: column.type,
    isPrimary: primary.has(column.name),
    isForeign: foreign.has(column.name),
  }))
  const keys = lines.filter(({ isPrimary, isForeign }) => isPrimary || isForeign).slice(0, MOST_KEYS)
  const others = lines.filter(({ isPrimary, isForeign }) => !isPrimary && !isForeign)
  const displayed = [...keys, ...others.slice(0, Math.max(0, MOST_COLUMNS - keys.length))]
  return { key: keyOf(schema, name), schema, name, columns: displayed, more: lines.length - displayed.length }
}

function tiesOf(from: string, { constraints = [] }: Relation): Tie[] {
  return constraints.flatMap(({ kind, name, columns, references }) =>
    kind !== 'foreign_key' || references === undefined
      ? []
      : [{ key: `${from} ${name}`, from, to: keyOf(references.schema, references.relation), columns }],
  )
}
