/**
 * Changes of one schema `public`, written by hand: the parts of a table `t`, of the schema, or of the database before
 * and after, and each line of their drift with its reason. Tests of the drift rules use it; it needs no server.
 */
import { drift } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { snapshot } from './snapshots.ts'

/** A part of a snapshot, before it is parsed. */
export type Part = Readonly<Record<string, unknown>>

/** One state: `t` has the parts of the table, `schema` those of its schema, `database` those beside the schemas, or other schemas. */
export interface State {
  readonly t?: Part | null
  readonly schema?: Part
  readonly database?: Part
  /** The server's `server_version_num`. */
  readonly on?: number
}

/** The columns of `t` unless it says otherwise. */
export const id: Part = { name: 'id', type: 'integer', notNull: true }
/** Its second column. */
export const note: Part = { name: 'note', type: 'text' }

/** Returns the snapshot of a state. */
export function stateOf({ t = {}, schema = {}, database = {}, on = 180_004 }: State): Snapshot {
  const table = t === null ? [] : [{ name: 't', kind: 'table', columns: [id, note], ...t }]
  const { relations = [], ...more } = schema
  const beside = Array.isArray(relations) ? relations : []
  const hidden = { schemas: 0, relations: 0, columns: 0, sequences: 0 }
  return snapshot({
    ...{ version: 2, observed: { serverVersionNum: on, hidden, estimates: [] } },
    schemas: [{ name: 'public', relations: [...table, ...beside], ...more }],
    ...database,
  })
}

/** Returns the drift between two states, a line for each change: `class: object what, reason`. */
export function changes(before: State, after: State): string[] {
  return drift(stateOf(before), stateOf(after)).map(
    ({ class: rated, object, what, kind, reason }) => `${rated}: ${object} ${what ?? kind}, ${reason}`,
  )
}

/** A state and a later one. */
export type Pair = readonly [before: State, after: State]

/** Every line of each pair, and of the pair in the other direction. */
export function texts(pairs: Readonly<Record<string, Pair>>): string {
  const sections = Object.entries(pairs).map(([title, [before, after]]) => {
    const lines = [...changes(before, after), '-- and back', ...changes(after, before)]
    return `## ${title}\n${lines.join('\n')}\n`
  })
  return sections.join('\n')
}

/** Two states of `t`. */
export const t = (before: Part, after: Part): Pair => [{ t: before }, { t: after }]
/** Two lists of the columns of `t`. */
export const columns = (before: Part[], after: Part[]): Pair => t({ columns: before }, { columns: after })
/** Two states of the column `note`. */
export const column = (before: Part, after: Part): Pair =>
  columns([id, { ...note, ...before }], [id, { ...note, ...after }])
/** Two states of the schema. */
export const schema = (before: Part, after: Part): Pair => [{ schema: before }, { schema: after }]
/** The pair on servers of PostgreSQL 15 and 18. */
export const across = ([before, after]: Pair): Pair => [
  { ...before, on: 150_004 },
  { ...after, on: 180_004 },
]
const one = (list: string, base: Part) => (before: Part | null, after: Part | null) => {
  const side = (part: Part | null) => (part === null ? {} : { [list]: [{ ...base, ...part }] })
  return [side(before), side(after)] as const
}
/** Two states of one part of `t`, absent if null. */
export const inTable = (list: string, base: Part) => (before: Part | null, after: Part | null) =>
  t(...one(list, base)(before, after))
/** Two states of one object of the schema, absent if null. */
export const inSchema = (list: string, base: Part) => (before: Part | null, after: Part | null) =>
  schema(...one(list, base)(before, after))
/** Two states of one object beside the schemas, absent if null. */
export const inDatabase =
  (list: string, base: Part) =>
  (before: Part | null, after: Part | null): Pair => {
    const [was, is] = one(list, base)(before, after)
    return [{ database: was }, { database: is }]
  }
