/**
 * Finds the objects that a statement needs and a script cannot create: functions, whose bodies no snapshot holds, and
 * operators, types and relations outside the snapshot.
 *
 * Only the SQL printer uses this. Objects of an extension are created with `create extension`.
 */

import { collationKeys, formatKey as keyOf, multirangeKey } from '#client/cli/schema/sql-keys.ts'
import { identifiersIn } from '#client/cli/schema-sql-form.ts'
import { missingSequences, type Named } from '#client/cli/schema-sql-order.ts'
import { identifier, qualified } from '#client/cli/schema-sql-text.ts'
import { solid, type Token, tokens } from '#client/cli/schema-sql-token.ts'
import { baseTypeOf } from '#client/cli/schema-type-name.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { isCall, isDot, isName, isWord, type Mention, mentionsIn, operatorClassesIn } from './sql-mentions.ts'

/** Each method returns the missing objects as SQL names with their kinds; an empty list if nothing is missing. */
export interface Needs {
  /** Functions, operators, types, collations and other objects that an expression or a statement mentions. */
  calls(text: string | undefined): string[]
  /** Relations that a query reads and that are not among the created ones in `made`. */
  relations(query: string, made: ReadonlySet<string>): string[]
  /** Types that the snapshot does not contain. */
  types(types: readonly string[]): string[]
  /** The collation, if it is neither PostgreSQL's own nor in the snapshot. */
  collations(name: string | undefined): string[]
  /** The operator class, if no extension provides it. */
  operatorClasses(name: string | undefined): string[]
  /** PostgreSQL's `server_version_num` of the introspected server. */
  readonly serverVersionNum: number
  /** Everything that any method has returned so far, apart from what was omitted. */
  missed(): ReadonlySet<string>
  /** Tells that the script does not create a type, a table or a view, whose name is quoted for SQL. */
  omit(name: string): void
}

const OWN = new Set(['pg_catalog', 'information_schema'])

/** The objects of a snapshot by kind, as keys of schema and name. */
interface Known {
  readonly ofExtensions: ReadonlySet<string>
  readonly functions: ReadonlySet<string>
  readonly types: ReadonlySet<string>
  /** Ranges and multiranges. */
  readonly ranges: ReadonlySet<string>
  readonly relations: ReadonlySet<string>
  readonly collations: ReadonlySet<string>
}

/** Returns the key of a quoted or unquoted name; any other text unchanged. */
function keyOfText(text: string): string {
  const [schema, name] = identifiersIn(text) ?? []
  return schema === undefined || name === undefined ? text : keyOf(schema, name)
}

function knownIn(whole: Snapshot): Known {
  const functions = whole.schemas.flatMap(({ name, functions }) =>
    (functions ?? []).map(one => keyOfText(qualified(name, one.name.slice(0, one.name.indexOf('('))))),
  )
  const relations = whole.schemas.flatMap(({ name, relations, sequences }) => [
    ...relations.flatMap(one => [keyOf(name, one.name), ...(one.partitions ?? []).map(it => keyOfText(it.name))]),
    ...(sequences ?? []).map(one => keyOf(name, one.name)),
  ])
  const types = whole.schemas.flatMap(({ enums, domains, composites }) =>
    [...(enums ?? []), ...(domains ?? []), ...(composites ?? [])].map(it => keyOfText(it.name)),
  )
  const ranges = whole.schemas.flatMap(({ ranges }) =>
    (ranges ?? []).flatMap(it => [keyOfText(it.name), multirangeKey(it)]),
  )
  return {
    ofExtensions: new Set(whole.extensions.map(({ schema }) => schema)),
    functions: new Set(functions),
    types: new Set([...types, ...ranges, ...relations]),
    ranges: new Set(ranges),
    collations: new Set(collationKeys(whole)),
    relations: new Set([...relations, ...missingSequences(whole).map(keyOfText)]),
  }
}

/** Collects the objects of a snapshot. `whole` is the full snapshot, even if only a part is printed. */
export function needsOf(whole: Snapshot): Needs {
  const known = knownIn(whole)
  const missed = new Set<string>()
  const omitted = new Set<string>()
  const isOmitted = ({ kind, schema, name }: Mention) =>
    (kind === 'type' || kind === 'function') && omitted.has(keyOf(schema, name))
  const absent = (mentions: readonly Mention[]): string[] => {
    const names = mentions.filter(mention => !isThere(known, mention)).map(formatMention)
    for (const name of names) missed.add(name)
    return [...names, ...mentions.filter(isOmitted).map(formatMention)]
  }
  return {
    calls(text) {
      const statement = (text ?? '').replace(/;$/, '')
      const read = tokens(statement, 'rule') ?? []
      const isIndex = /^CREATE (?:UNIQUE )?INDEX /.test(statement)
      return absent([...mentionsIn(read), ...(isIndex ? operatorClassesIn(read) : [])])
    },
    relations(query, made) {
      const read = relationsIn(tokens(query.replace(/;$/, '')) ?? [])
      const others = read.filter(([schema, name]) => !made.has(qualified(schema, name)))
      const names = others.filter(
        ([schema, name]) => !isGiven(known, schema) || known.relations.has(keyOf(schema, name)),
      )
      return names.map(([schema, name]) => `relation ${qualified(schema, name)}`)
    },
    types: names => absent(names.flatMap(type => named('type', baseTypeOf(type).replace(/\([^()]*\)$/, '')))),
    collations: text => absent(named('collation', text ?? '')),
    operatorClasses: text => absent(named('operator class', text ?? '')),
    serverVersionNum: whole.observed.serverVersionNum,
    missed: () => missed,
    omit: name => void omitted.add(keyOfText(name)),
  }
}

function named(kind: Mention['kind'], text: string): Mention[] {
  const [schema, name] = identifiersIn(text) ?? []
  return schema === undefined || name === undefined ? [] : [{ kind, schema, name }]
}

function formatMention({ kind, schema, name }: Mention): string {
  return `${kind} ${kind === 'operator' ? `${identifier(schema)}.${name}` : qualified(schema, name)}`
}

const isOwn = (schema: string) => OWN.has(schema)

function isGiven({ ofExtensions }: Known, schema: string): boolean {
  return isOwn(schema) || ofExtensions.has(schema)
}

/**
 * True for an object that the script creates, an extension provides, or PostgreSQL has. No extension provides
 * collations or the like.
 */
function isThere(known: Known, { kind, schema, name }: Mention): boolean {
  const key = keyOf(schema, name)
  switch (kind) {
    case 'function':
      // A range provides constructor functions with its name.
      return known.ranges.has(key) || (isGiven(known, schema) && !known.functions.has(key))
    case 'type':
      return isGiven(known, schema) || known.types.has(key)
    case 'relation':
      return isGiven(known, schema) || known.relations.has(key)
    case 'collation':
      return isOwn(schema) || known.collations.has(key)
    case 'operator':
    case 'operator class':
    case 'text search dictionary':
      return isGiven(known, schema)
    default:
      return isOwn(schema)
  }
}

/** Returns the keys of the relations that a view reads and of the types that its query names. */
export function readBy({ relation: { definition } }: Named): string[] {
  const read = definition === undefined ? [] : (tokens(definition.replace(/;$/, '')) ?? [])
  const types = mentionsIn(read).filter(({ kind }) => kind === 'type')
  return [
    ...relationsIn(read).map(([schema, name]) => keyOf(schema, name)),
    ...types.map(it => keyOf(it.schema, it.name)),
  ]
}

const SOURCES = ['from', 'join', 'only']
const CLAUSES = ['where', 'group', 'order', 'limit', 'union', 'select', 'having', 'window', 'values']
/** Calls in the syntax of the standard, in which FROM is not a clause. */
const STANDARD_CALLS = ['extract', 'trim', 'substring', 'overlay']

/** Returns every `schema.name` after FROM or JOIN, and after a comma or an opening bracket within them. */
function relationsIn(all: readonly Token[]): [string, string][] {
  const found: [string, string][] = []
  const left: { readonly level: readonly Token[]; readonly isSource: boolean }[] = [{ level: all, isSource: false }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const list = solid(next.level)
    let isSource = next.isSource
    let isFirst = next.isSource
    list.forEach((token, at) => {
      if (isWord(token, SOURCES) && !isWord(list[at - 1], ['distinct'])) {
        isSource = true
        isFirst = true
        return
      }
      if (isWord(token, CLAUSES)) isSource = false
      const [dot, name, behind] = list.slice(at + 1, at + 4)
      const isNamed = isFirst && isName(token) && isDot(dot) && isName(name)
      if (isNamed && !isCall(behind)) found.push([token.value, name.value])
      if (token.kind === 'group' && !isWord(list[at - 1], STANDARD_CALLS))
        left.push({ level: token.inner, isSource: isFirst && isSource })
      isFirst = isSource && token.text === ','
    })
  }
  return found
}
