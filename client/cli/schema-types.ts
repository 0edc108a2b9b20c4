/**
 * Converts a snapshot into a Kysely `Database` interface: the output of `mooring schema types`.
 *
 * A developer will compile this TypeScript, and its names and comments come from a customer's server, so nothing may
 * break out of a literal or a comment. kysely-codegen's serializer works without a database, but lets a column comment
 * end the comment that it prints, fails on a table named `constructor`, and needs TypeScript's JS API.
 */
import { escapeUnprintable, printable, printableJson } from '#shared/base/printable.ts'
import type { SchemaSnapshot, Snapshot } from '#shared/schemas/snapshot.ts'
import type { Column, Relation } from '#shared/schemas/snapshot-relation.ts'
import { createTypeScriptTypes, type TypeScriptTypes } from './schema-types-column.ts'

const HEADER = `/**
 * The schema of a datasource, for Kysely over \`pg\` with its default type parsers and PostgreSQL's default \`DateStyle\`.
 * A date or time is a number where it is "infinity".
 *
 * Written by \`mooring schema types\`. Do not edit it: generate it again.
 */
`

const SHARED_TYPES: readonly (readonly [string, string])[] = [
  ['Json', 'export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }\n'],
  [
    'Interval',
    `export interface Interval {
  years?: number
  months?: number
  days?: number
  hours?: number
  minutes?: number
  seconds?: number
  milliseconds?: number
  toPostgres(): string
  toISOString(): string
}
`,
  ],
  [
    'ArrayOf',
    '/** Any element may be null, and an array may have more dimensions than its column says. */\nexport type ArrayOf<T> = (ArrayOf<T> | T | null)[]\n',
  ],
]

const UNNAMED = '// Not in Database, because Kysely takes a dot for the end of the schema.\n'

/**
 * Returns a TypeScript module: one interface for each relation that the role may see, and \`Database\`, whose keys are
 * names as Kysely expects them: \`orders\` for a relation in \`public\`, \`sales.orders\` for one in another schema.
 */
export function schemaTypes(snapshot: Snapshot): string {
  const names = interfaceNames(snapshot)
  const interfaces: string[] = []
  const members: string[] = []
  for (const schema of snapshot.schemas) {
    const types = createTypeScriptTypes(schema)
    for (const relation of schema.relations) {
      const name = names.get(relation) ?? ''
      // Kysely takes the first dot for the separator after the schema, so a name that contains a dot cannot be
      // expressed.
      const isNamed = !`${schema.name}${relation.name}`.includes('.')
      interfaces.push(`${isNamed ? '' : UNNAMED}${relationInterface(name, relation, types)}`)
      if (!isNamed) continue
      const key = schema.name === 'public' ? relation.name : `${schema.name}.${relation.name}`
      members.push(`  ${propertyName(key)}: ${name}\n`)
    }
  }
  const body = [...interfaces, `export interface Database {\n${members.join('')}}\n`].join('\n')
  const shared = SHARED_TYPES.filter(([name]) => new RegExp(`\\b${name}\\b`).test(body)).map(([, text]) => text)
  return [HEADER, imports(body), ...shared, body].filter(part => part !== '').join('\n')
}

function imports(body: string): string {
  const used = ['ColumnType', 'Generated', 'GeneratedAlways'].filter(name => body.includes(`: ${name}<`))
  return used.length === 0 ? '' : `import type { ${used.join(', ')} } from 'kysely'\n`
}

function relationInterface(name: string, relation: Relation, types: TypeScriptTypes): string {
  const columns = relation.columns.map(column => columnMember(column, relation, types))
  return `${docComment(relation.comment, '')}export interface ${name} {\n${columns.join('')}}\n`
}

function columnMember(column: Column, relation: Relation, types: TypeScriptTypes): string {
  const type = types.columnType(column, relation.kind)
  return `${docComment(column.comment, '  ')}  ${propertyName(column.name)}: ${type}\n`
}

/**
 * Chooses the name of each relation's interface so that it stays the same when others are added. Relations of `public`
 * come first and keep their own names; all others are prefixed with their schema. Of two equal names, the one that SQL
 * needs no quotes for wins; names that Kysely cannot express come last.
 */
function interfaceNames({ schemas }: Snapshot): ReadonlyMap<Relation, string> {
  const all = schemas.flatMap(({ name: schema, relations }) => relations.map(relation => ({ schema, relation })))
  const rank = ({ schema, relation }: (typeof all)[number]) =>
    (`${schema}${relation.name}`.includes('.') ? 4 : 0) +
    (schema === 'public' ? 0 : 2) +
    (/^[a-z_][a-z0-9_]*$/.test(relation.name) ? 0 : 1)
  const taken = new Set<string>()
  const names = all
    .toSorted((one, other) => rank(one) - rank(other))
    .map(({ schema, relation }): [Relation, string] => [relation, freshName(taken, schema, relation.name)])
  return new Map(names)
}

/** No name known to TypeScript or Kysely ends in `Table`, so a customer's name cannot hide one. */
function freshName(taken: Set<string>, schema: SchemaSnapshot['name'], relation: string): string {
  const short = `${pascal(relation)}Table`
  const long = `${pascal(schema)}${short}`
  const wanted = schema === 'public' && !taken.has(short) ? short : long
  let name = wanted
  for (let number = 2; taken.has(name); number++) name = `${wanted}${number}`
  taken.add(name)
  return name
}

function pascal(text: string): string {
  // Some letters and marks render as nothing, so two names could look alike.
  const words = escapeUnprintable(text, () => '_')
    .split(/[^\p{ID_Continue}]+|_+/u)
    .filter(word => word !== '')
  const joined = words.map(word => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`).join('')
  return /^\p{ID_Start}/u.test(joined) ? joined : `_${joined}`
}

function propertyName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : printableJson(name)
}

/** Returns a comment that its text cannot end and that contains no compiler directive. */
function docComment(text: string | undefined, indent: string): string {
  if (text === undefined) return ''
  const harmless = text.replaceAll('*/', '*\\/').replaceAll('@ts-', '@\\ts-')
  const lines = harmless.split(/[\r\n\u2028\u2029]+/).map(printable)
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`
  return `${indent}/**\n${lines.map(line => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`
}
