/**
 * Converts a snapshot into a script of DDL: the output of `mooring schema sql`.
 *
 * The script runs unchanged in an empty database and recreates what was introspected, as far as a snapshot holds it;
 * its first lines list what is left out. Do not run the script of an untrusted database: its expressions are whatever
 * the owner wrote. pg_dump would need the database itself, and a version no older than the server.
 */

import { publicationStatements, serverStatements } from '#client/cli/schema/sql-around.ts'
import { withTakenNames } from '#client/cli/schema/sql-columns.ts'
import { headLines } from '#client/cli/schema/sql-head.ts'
import { formatKey, typeKey } from '#client/cli/schema/sql-keys.ts'
import { type Needs, needsOf, readBy } from '#client/cli/schema/sql-needs.ts'
import { collationStatements, statisticsStatements } from '#client/cli/schema/sql-others.ts'
import { type MadeType, typesOf } from '#client/cli/schema/sql-types.ts'
import type { SchemaSnapshot, Snapshot } from '#shared/schemas/snapshot.ts'
import type { Sequence } from '#shared/schemas/snapshot-object.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'
import { identifiersIn, namesText, numberText, typeText } from './schema-sql-form.ts'
import { inDepth, inOrder, missingSchemas, missingSequences, type Named, neededBy } from './schema-sql-order.ts'
import { isCut } from './schema-sql-outline.ts'
import { isView, type RelationStatements, relationStatements } from './schema-sql-relation.ts'
import { identifier, isFit, literal, qualified, remark } from './schema-sql-text.ts'

/** Returns a script in an order in which it runs: types, sequences, tables, views, indexes, policies, foreign keys. */
export function schemaSql(snapshot: Snapshot, whole = snapshot): string {
  const needs = needsOf(whole)
  const all = snapshot.schemas.flatMap((schema): Named[] =>
    withTakenNames(schema, needs.serverVersionNum).map(relation => ({ schema: schema.name, relation })),
  )
  const made = madeInOrder(inOrderOfNeed(typesOf(snapshot.schemas, needs), all), needs)
  const { names } = made
  const sequences = snapshot.schemas.flatMap(({ name, sequences }) => (sequences ?? []).map(it => [name, it] as const))
  const statements = [
    ...snapshot.schemas.flatMap(schemaStatements),
    ...missingSchemas(snapshot).map(name => `create schema if not exists ${name};`),
    ...extensionStatements(snapshot),
    ...serverStatements(snapshot),
    ...collationStatements(snapshot),
    ...sequences.flatMap(([schema, it]) => sequenceStatements(schema, it)),
    ...missingSequences(snapshot).map(name => `create sequence ${namesText(name)};`),
    ...made.make,
    ...sequences
      .flatMap(([schema, it]) => ownership(schema, it))
      .map(({ of, text }) => (names.has(of) ? text : remark(text, 'made'))),
    ...made.complete,
    ...statisticsStatements(snapshot, needs, names),
    ...made.refer.map(({ to, text }) => (names.has(to) ? text : remark(text, 'missing'))),
    ...publicationStatements(snapshot, names),
  ].map(runnable)
  return `${[...headLines(snapshot, needs, statements), ...statements].join('\n\n')}\n`
}

/** A type, or a table or view. */
type Ordered = { readonly type: MadeType } | { readonly relation: Named }

/** Sorts types, tables and views, each after those that it consists of or reads. Tables and views are also types. */
function inOrderOfNeed(types: ReadonlyMap<string, MadeType>, all: readonly Named[]): Ordered[] {
  const tables = all.filter(({ relation }) => !isView(relation))
  const views = inOrder(all.filter(({ relation }) => isView(relation)))
  const byName = new Map([...tables, ...views].map(it => [formatKey(it.schema, it.relation.name), it]))
  return inDepth<Ordered>([...types.keys(), ...byName.keys()], name => {
    const [type, relation] = [types.get(name), byName.get(name)]
    if (type !== undefined) return { item: { type }, below: type.of.map(typeKey) }
    return relation === undefined ? null : { item: { relation }, below: [...neededBy(relation), ...readBy(relation)] }
  })
}

/** Returns the statements of types and relations; those that need an object that is not created become remarks. */
function madeInOrder(order: readonly Ordered[], needs: Needs) {
  const names = new Set<string>()
  const listed = new Map(
    order.flatMap(it => ('type' in it ? [] : [[nameOf(it.relation), it.relation.relation] as const])),
  )
  const [make, complete, refer]: [string[], string[], RelationStatements['refer']] = [[], [], []]
  for (const it of order) {
    if ('type' in it) {
      const statements = it.type.statements()
      if (statements[0] !== undefined && !isWhole(statements[0])) needs.omit(it.type.name)
      make.push(...statements)
      continue
    }
    const made = madeRelation(it.relation, { names, listed, needs })
    for (const name of made.isMade ? [made.name, ...partitionNames(it.relation.relation)] : []) names.add(name)
    if (!made.isMade) needs.omit(made.name)
    make.push(...made.make)
    complete.push(...made.complete)
    refer.push(...made.refer)
  }
  return { names, make, complete, refer }
}

const nameOf = ({ schema, relation }: Named) => qualified(schema, relation.name)

/** The names of the partitions created with a table, which can also be read and referred to. */
function partitionNames({ partitions = [] }: Relation): string[] {
  return partitions.flatMap(({ name }) => {
    const [schema, own] = identifiersIn(name) ?? []
    return schema === undefined || own === undefined ? [] : [qualified(schema, own)]
  })
}

interface Around {
  readonly names: ReadonlySet<string>
  readonly listed: ReadonlyMap<string, Relation>
  readonly needs: Needs
}

function madeRelation({ schema, relation: whole }: Named, { names, listed, needs }: Around) {
  const relation = withoutListed(whole, listed)
  const { partitionOf, inherits = [], definition } = relation
  const parent = partitionOf && qualified(partitionOf.schema, partitionOf.name)
  const isPart = parent !== undefined && names.has(parent)
  const hasParents = inherits.every(it => names.has(qualified(it.schema, it.name)))
  const isInherited = isPart || (inherits.length > 0 && hasParents)
  const isPlain = isPart || (parent !== undefined && listed.has(parent))
  const partOf = isPart ? (listed.get(parent) ?? null) : null
  const missing = isView(relation) ? [...needs.calls(definition), ...needs.relations(definition ?? '', names)] : []
  return dependent(relationStatements(schema, relation, { needs, isPart, partOf, isInherited, isPlain }), {
    isPart,
    isMissing: missing.length > 0,
  })
}

/** Removes partitions that are also listed as relations, whose own properties are printed there. */
function withoutListed(relation: Relation, listed: ReadonlyMap<string, Relation>): Relation {
  if (relation.partitions === undefined) return relation
  const partitions = relation.partitions.map(one => {
    const [schema = '', name = ''] = identifiersIn(one.name) ?? []
    const { own: _, ...others } = one
    return listed.has(qualified(schema, name)) ? others : one
  })
  return { ...relation, partitions }
}

/** Returns extensions, each after those that it requires. */
function extensionStatements({ extensions }: Snapshot): string[] {
  const byName = new Map(extensions.map(it => [it.name, it]))
  const find = (name: string) => {
    const item = byName.get(name)
    return item === undefined ? null : { item, below: item.requires ?? [] }
  }
  return inDepth([...byName.keys()], find)
    .filter(({ name }) => name !== 'plpgsql')
    .map(({ name, schema }) => `create extension if not exists ${identifier(name)} with schema ${identifier(schema)};`)
}

/** Returns the statements of a relation. If the relation is not created, the statements that need it become remarks. */
function dependent(
  statements: RelationStatements,
  { isPart, isMissing }: { readonly isPart: boolean; readonly isMissing: boolean },
): RelationStatements & { readonly isMade: boolean } {
  const [first = '', ...about] = statements.make
  const itself = isMissing ? remark(first, 'missing') : first
  if (isPart || isWhole(itself)) return { ...statements, isMade: true }
  const make = [itself, ...about.map(text => remark(text, 'made'))]
  const complete = statements.complete.map(text => remark(text, 'made'))
  const refer = statements.refer.map(({ text, to }) => ({ to, text: remark(text, 'made') }))
  return { name: statements.name, make, complete, refer, isMade: false }
}

/** Returns the statement if it can be run. Comments are literals and may be truncated. */
function runnable(statement: string): string {
  if (statement.startsWith('-- ')) return statement
  if (isCut(statement) && !statement.startsWith('comment on ')) return remark(statement, 'missing')
  return isFit(statement) ? statement : remark(statement, 'unfit')
}

function isWhole(statement: string): boolean {
  return isFit(statement) && !isCut(statement) && !statement.startsWith('-- ')
}

/** A schema that belongs to an extension is created by it. */
function schemaStatements({ name, comment, extension }: SchemaSnapshot): string[] {
  if (extension !== undefined) return []
  const make = `create schema if not exists ${identifier(name)};`
  return comment === undefined ? [make] : [make, `comment on schema ${identifier(name)} is ${literal(comment)};`]
}

function sequenceStatements(schema: string, sequence: Sequence): string[] {
  const name = qualified(schema, sequence.name)
  const { start, increment, min, max, cache } = sequence
  const numbers = `start with ${numberText(start)} increment by ${numberText(increment)}
  minvalue ${numberText(min)} maxvalue ${numberText(max)} cache ${numberText(cache)}`
  const kind = sequence.unlogged ? 'unlogged sequence' : 'sequence'
  const make = `create ${kind} ${name} as ${typeText(sequence.type)} ${numbers}${sequence.cycle ? ' cycle' : ''};`
  return sequence.comment === undefined
    ? [make]
    : [make, `comment on sequence ${name} is ${literal(sequence.comment)};`]
}

function ownership(schema: string, { name, ownedBy }: Sequence): { readonly of: string; readonly text: string }[] {
  if (ownedBy === undefined) return []
  const of = qualified(schema, ownedBy.relation)
  return [{ of, text: `alter sequence ${qualified(schema, name)} owned by ${of}.${identifier(ownedBy.column)};` }]
}
