/**
 * Maps PostgreSQL's types to TypeScript's, as `pg` reads and writes them with its default type parsers (pg-types 2.2).
 *
 * `pg` reads types for which it has no parser as text, including arrays of enums, domains and extension types: it then
 * returns the array's literal. A domain is sent as its base type. An array may have any number of dimensions and
 * contain null whatever its column says, and "infinity" is a number. Only `schema-types.ts` uses this.
 */
import { printableJson } from '#shared/base/printable.ts'
import type { SchemaSnapshot } from '#shared/schemas/snapshot.ts'
import type { Domain } from '#shared/schemas/snapshot-object.ts'
import type { Column, Relation } from '#shared/schemas/snapshot-relation.ts'
import { baseTypeOf } from './schema-type-name.ts'

/** The TypeScript types of one schema's columns. */
export interface TypeScriptTypes {
  /**
   * Returns the type of a column in a Kysely interface. Nothing can be inserted into or updated in a materialized view.
   */
  columnType(column: Column, kind: Relation['kind']): string
}

/** The types that a query returns and accepts. */
interface Sides {
  readonly select: string
  readonly insert: string
}

const both = (type: string): Sides => ({ select: type, insert: type })
const NUMBER = both('number')
const TEXT = both('string')
const TIME: Sides = { select: 'Date | number', insert: 'Date | string' }

const JSON_VALUE: Sides = { select: 'Json', insert: 'string | { [key: string]: Json }' }

const SCALARS = new Map<string, Sides>([
  ['bigint', { select: 'string', insert: 'string | number | bigint' }],
  ['boolean', both('boolean')],
  ['bytea', both('Buffer')],
  ['circle', { select: '{ x: number; y: number; radius: number }', insert: 'string' }],
  ['date', TIME],
  ['double precision', NUMBER],
  ['integer', NUMBER],
  ['interval', { select: 'Interval', insert: 'string | Interval' }],
  // `pg` sends a string as it is, so it must be JSON, and an array as a PostgreSQL array.
  ['json', JSON_VALUE],
  ['jsonb', JSON_VALUE],
  ['numeric', { select: 'string', insert: 'string | number' }],
  ['oid', NUMBER],
  ['point', { select: '{ x: number; y: number }', insert: 'string' }],
  ['real', NUMBER],
  ['smallint', NUMBER],
  ['timestamp with time zone', TIME],
  ['timestamp without time zone', TIME],
])

/** Types whose arrays `pg` parses. Unlike `numeric`, `numeric[]` is parsed as numbers. */
const ARRAYS = new Map<string, string>([
  ...[...SCALARS].filter(([name]) => name !== 'circle').map(([name, { select }]): [string, string] => [name, select]),
  ['numeric', 'number'],
  ...['character', 'character varying', 'cidr', 'inet', 'macaddr', 'money', 'numrange', 'regproc', 'text'].map(asText),
  ...['time with time zone', 'time without time zone', 'uuid'].map(asText),
])

function asText(name: string): [string, string] {
  return [name, 'string']
}

/** A hostile catalog can contain domains based on each other. */
const MAX_CHAIN = 100

/** Creates the types of a schema's columns. Enums and domains are those that the schema of the snapshot lists. */
export function createTypeScriptTypes(schema: SchemaSnapshot): TypeScriptTypes {
  const enums = new Map(schema.enums?.map(type => [type.name, type]))
  const domains = new Map(schema.domains?.map(type => [type.name, type]))

  const sidesOf = (type: string, left = MAX_CHAIN): Sides => {
    const labels = enums.get(type)?.labels
    if (labels) return both(labels.map(printableJson).join(' | ') || 'never')
    const domain = domains.get(type)
    if (domain && left > 0) return sidesOf(domain.type, left - 1)
    return builtIn(type)
  }

  return {
    columnType(column, kind) {
      const { select, insert } = sidesOf(column.base ?? column.type)
      const domain = domains.get(column.type)
      const [read, written] = [orNull(isNeverNull(column, kind, domain)), orNull(refusesNull(column, domain))]
      const filled = column.identity === 'by_default' || (column.default ?? domain?.default) !== undefined
      if (kind === 'materialized_view') return `ColumnType<${select}${read}, never, never>`
      if (column.identity === 'always' || column.generated !== undefined) return `GeneratedAlways<${select}${read}>`
      if (select === insert && read === written) return filled ? `Generated<${select}${read}>` : `${select}${read}`
      const left = filled ? ' | undefined' : ''
      return `ColumnType<${select}${read}, ${insert}${written}${left}, ${insert}${written}>`
    },
  }
}

const orNull = (isNot: boolean) => (isNot ? '' : ' | null')

function refusesNull(column: Column, domain: Domain | undefined): boolean {
  return [column.notNull, column.notNullUnvalidated, domain?.notNull].includes(true)
}

/**
 * True if the server guarantees that no row read has null. It does not for rows older than an unvalidated constraint,
 * for rows of a foreign server, or for rows of inheriting tables; and a domain may be null in a view, on the outer side
 * of a join.
 */
function isNeverNull(column: Column, kind: Relation['kind'], domain: Domain | undefined): boolean {
  const isOwn = kind === 'table' || kind === 'partitioned_table'
  return isOwn && !column.nullBelow && (column.notNull === true || domain?.notNull === true)
}

function builtIn(type: string): Sides {
  const element = baseTypeOf(type)
  if (element === type) return SCALARS.get(plain(type)) ?? TEXT
  const select = ARRAYS.get(plain(element))
  if (select === undefined) return TEXT
  const { insert } = SCALARS.get(plain(element)) ?? TEXT
  return { select: `ArrayOf<${select}>`, insert: `ArrayOf<${insert}>` }
}

/** Removes the modifiers of a type: `numeric(10,2)`, `timestamp(3) with time zone`, `interval day to second(2)`. */
function plain(type: string): string {
  return /^interval\b(?!\.)/.test(type) ? 'interval' : type.replace(/\(\d+(,-?\d+)?\)/, '')
}
