/**
 * Snapshot → DDL-like text: what `mooring schema sql` prints.
 *
 * It runs as it is in an empty database, and makes what was read as far as a snapshot says it: its first lines name what is
 * left out. Do not run that of a database that is not trusted: its expressions are its owner's words. pg_dump needs the
 * database itself, and a version no older than the server.
 */

import { publicationStatements, serverStatements } from '#client/cli/schema/sql-around.ts'
import { headLines } from '#client/cli/schema/sql-head.ts'
import { type Needs, needsOf } from '#client/cli/schema/sql-needs.ts'
import { typeStatements } from '#client/cli/schema/sql-types.ts'
import type { SchemaSnapshot, Snapshot } from '#shared/schemas/snapshot.ts'
import type { Sequence } from '#shared/schemas/snapshot-object.ts'
import { namesText, numberText, typeText } from './schema-sql-form.ts'
import { inOrder, missingSchemas, missingSequences, type Named, tablesInOrder } from './schema-sql-order.ts'
import { isCut } from './schema-sql-outline.ts'
import { isView, type RelationStatements, relationStatements } from './schema-sql-relation.ts'
import { identifier, isFit, literal, qualified, remark } from './schema-sql-text.ts'

/** Writes a script, in an order in which it runs: types, sequences, tables, views, indexes, policies, foreign keys. */
export function schemaSql(snapshot: Snapshot, whole = snapshot): string {
  const all = snapshot.schemas.flatMap(({ name, relations }): Named[] =>
    relations.map(relation => ({ schema: name, relation })),
  )
  const needs = needsOf(whole)
  const tables = tablesInOrder(all.filter(({ relation }) => !isView(relation)))
  const views = inOrder(all.filter(({ relation }) => isView(relation)))
  const made = madeInOrder([...tables, ...views], needs)
  const names = new Set(made.filter(({ isMade }) => isMade).map(({ name }) => name))
  const sequences = snapshot.schemas.flatMap(({ name, sequences }) => (sequences ?? []).map(it => [name, it] as const))
  const statements = [
    ...snapshot.schemas.flatMap(schemaStatements),
    ...missingSchemas(snapshot).map(name => `create schema if not exists ${name};`),
    ...extensionStatements(snapshot),
    ...serverStatements(snapshot),
    ...typeStatements(snapshot.schemas, needs),
    ...sequences.flatMap(([schema, it]) => sequenceStatements(schema, it)),
    ...missingSequences(snapshot).map(name => `create sequence ${namesText(name)};`),
    ...made.flatMap(({ make }) => make),
    ...sequences
      .flatMap(([schema, it]) => ownership(schema, it))
      .map(({ of, text }) => (names.has(of) ? text : remark(text, 'made'))),
    ...made.flatMap(({ complete }) => complete),
    ...made.flatMap(({ refer }) => refer).map(({ to, text }) => (names.has(to) ? text : remark(text, 'missing'))),
    ...publicationStatements(snapshot, names),
  ]
  return `${[...headLines(snapshot, needs), ...statements.map(runnable)].join('\n\n')}\n`
}

/** Each relation, as a remark where it needs one that is not made. */
function madeInOrder(relations: readonly Named[], needs: Needs): (RelationStatements & { readonly isMade: boolean })[] {
  const names = new Set<string>()
  const listed = new Set(relations.map(({ schema, relation }) => qualified(schema, relation.name)))
  return relations.map(({ schema, relation }) => {
    const { partitionOf, inherits = [], definition } = relation
    const isPart = partitionOf !== undefined && names.has(qualified(partitionOf.schema, partitionOf.name))
    const hasParents = inherits.every(it => names.has(qualified(it.schema, it.name)))
    const isInherited = isPart || (inherits.length > 0 && hasParents)
    const isPlain = isPart || (partitionOf !== undefined && listed.has(qualified(partitionOf.schema, partitionOf.name)))
    const missing = isView(relation) ? [...needs.calls(definition), ...needs.relations(definition ?? '', names)] : []
    const made = dependent(relationStatements(schema, relation, { needs, isPart, isInherited, isPlain }), {
      isPart,
      isMissing: missing.length > 0,
    })
    if (made.isMade) names.add(made.name)
    return made
  })
}

function extensionStatements({ extensions }: Snapshot): string[] {
  return extensions
    .filter(({ name }) => name !== 'plpgsql')
    .map(({ name, schema }) => `create extension if not exists ${identifier(name)} with schema ${identifier(schema)};`)
}

/** The statements of a relation; those that need it are remarks where it is not made itself. */
function dependent(
  of: RelationStatements,
  { isPart, isMissing }: { readonly isPart: boolean; readonly isMissing: boolean },
): RelationStatements & { readonly isMade: boolean } {
  const [first = '', ...about] = of.make
  const itself = isMissing ? remark(first, 'missing') : first
  if (isPart || isWhole(itself)) return { ...of, isMade: true }
  const make = [itself, ...about.map(text => remark(text, 'made'))]
  const complete = of.complete.map(text => remark(text, 'made'))
  const refer = of.refer.map(({ text, to }) => ({ to, text: remark(text, 'made') }))
  return { name: of.name, make, complete, refer, isMade: false }
}

/** The statement, if it is one to run. Comments are literals, and may be cut. */
function runnable(statement: string): string {
  if (statement.startsWith('-- ')) return statement
  if (isCut(statement) && !statement.startsWith('comment on ')) return remark(statement, 'missing')
  return isFit(statement) ? statement : remark(statement, 'unfit')
}

function isWhole(statement: string): boolean {
  return isFit(statement) && !isCut(statement) && !statement.startsWith('-- ')
}

function schemaStatements({ name, comment }: SchemaSnapshot): string[] {
  const make = `create schema if not exists ${identifier(name)};`
  return comment === undefined ? [make] : [make, `comment on schema ${identifier(name)} is ${literal(comment)};`]
}

function sequenceStatements(schema: string, sequence: Sequence): string[] {
  const name = qualified(schema, sequence.name)
  const { start, increment, min, max, cache } = sequence
  const numbers = `start with ${numberText(start)} increment by ${numberText(increment)}
  minvalue ${numberText(min)} maxvalue ${numberText(max)} cache ${numberText(cache)}`
  const make = `create sequence ${name} as ${typeText(sequence.type)} ${numbers}${sequence.cycle ? ' cycle' : ''};`
  return sequence.comment === undefined
    ? [make]
    : [make, `comment on sequence ${name} is ${literal(sequence.comment)};`]
}

function ownership(schema: string, { name, ownedBy }: Sequence): { readonly of: string; readonly text: string }[] {
  if (ownedBy === undefined) return []
  const of = qualified(schema, ownedBy.relation)
  return [{ of, text: `alter sequence ${qualified(schema, name)} owned by ${of}.${identifier(ownedBy.column)};` }]
}
