/**
 * Snapshot → DDL-like text: what `mooring schema sql` prints.
 *
 * It is for reading, and runs as far as a snapshot says everything: functions, triggers, composite and range types,
 * partitions, grants and storage are not in one. Do not run that of a database that is not trusted: its expressions are its
 * owner's words. pg_dump needs the database itself, and a version no older than the server.
 */
import type { SchemaSnapshot, Snapshot } from '#shared/schemas/snapshot.ts'
import type { Domain, Sequence } from '#shared/schemas/snapshot-object.ts'
import { constraintClause } from './schema-sql-definition.ts'
import { defaultText, namesText, numberText, typeText } from './schema-sql-form.ts'
import { inOrder, MAX_CHAIN, missingSchemas, missingSequences, type Named } from './schema-sql-order.ts'
import { isView, type RelationStatements, relationStatements } from './schema-sql-relation.ts'
import { identifier, isFit, literal, qualified, remark } from './schema-sql-text.ts'
import { elementOf } from './schema-type-name.ts'

/** Writes a script, in an order in which it runs: types, sequences, tables, views, indexes, policies, foreign keys. */
export function schemaSql(snapshot: Snapshot): string {
  const all = snapshot.schemas.flatMap(({ name, relations }): Named[] =>
    relations.map(relation => ({ schema: name, relation })),
  )
  const tables = all.filter(({ relation }) => !isView(relation))
  const views = inOrder(all.filter(({ relation }) => isView(relation)))
  const sequences = snapshot.schemas.flatMap(({ name, sequences }) => (sequences ?? []).map(it => [name, it] as const))
  const made = [...tables, ...views].map(({ schema, relation }) => relationStatements(schema, relation)).map(dependent)
  const names = new Set(made.filter(({ isMade }) => isMade).map(({ name }) => name))
  const statements = [
    ...snapshot.schemas.flatMap(schemaStatements),
    ...missingSchemas(snapshot).map(name => `create schema if not exists ${name};`),
    ...snapshot.extensions.flatMap(extension =>
      extension.name === 'plpgsql'
        ? []
        : [`create extension if not exists ${identifier(extension.name)} with schema ${identifier(extension.schema)};`],
    ),
    ...typeStatements(snapshot.schemas),
    ...sequences.flatMap(([schema, it]) => sequenceStatements(schema, it)),
    ...missingSequences(snapshot).map(name => `create sequence ${namesText(name)};`),
    ...made.flatMap(({ make }) => make),
    ...sequences.flatMap(([schema, it]) => ownership(schema, it)),
    ...made.flatMap(({ complete }) => complete),
    ...made.flatMap(({ refer }) => refer).map(({ to, text }) => (names.has(to) ? text : remark(text, 'missing'))),
  ]
  return `${statements.map(runnable).join('\n\n')}\n`
}

/** The statements of a relation; those that need it are remarks where it is not made itself. */
function dependent(of: RelationStatements): RelationStatements & { readonly isMade: boolean } {
  const [itself = '', ...about] = of.make
  if (isWhole(itself)) return { ...of, isMade: true }
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
  return isFit(statement) && !isCut(statement)
}

/** What was too long when it was read is there in part: no statement to run. */
function isCut(statement: string): boolean {
  const [, ...behind] = statement.split(' ... [')
  return behind.some(text => /^\d{1,10} bytes, sha-256 [0-9a-f]{64}\]/.test(text))
}

function schemaStatements({ name, comment }: SchemaSnapshot): string[] {
  const make = `create schema if not exists ${identifier(name)};`
  return comment === undefined ? [make] : [make, `comment on schema ${identifier(name)} is ${literal(comment)};`]
}

/** Each type once, though several schemas may list it, and a domain after what it is made of. */
function typeStatements(schemas: readonly SchemaSnapshot[]): string[] {
  const enums = new Map(schemas.flatMap(({ enums }) => enums ?? []).map(type => [type.name, type]))
  const domains = new Map(schemas.flatMap(({ domains }) => domains ?? []).map(type => [type.name, type]))
  const statements = [...enums.values()].flatMap(({ name, labels, comment }) => [
    `create type ${namesText(name)} as enum (${labels.map(literal).join(', ')});`,
    ...(comment === undefined ? [] : [`comment on type ${namesText(name)} is ${literal(comment)};`]),
  ])
  const done = new Set<string>()
  const add = (domain: Domain, depth = 0) => {
    if (done.has(domain.name)) return
    done.add(domain.name)
    const below = domains.get(elementOf(domain.type))
    if (below && depth < MAX_CHAIN) add(below, depth + 1)
    statements.push(...domainStatements(domain))
  }
  for (const domain of domains.values()) add(domain)
  return statements
}

function domainStatements(domain: Domain): string[] {
  const parts = [`create domain ${namesText(domain.name)} as ${typeText(domain.type)}`]
  if (domain.collation !== undefined) parts.push(`collate ${namesText(domain.collation)}`)
  if (domain.default !== undefined) parts.push(`default ${defaultText(domain.default)}`)
  if (domain.notNull) parts.push('not null')
  for (const { name, definition } of domain.checks ?? [])
    parts.push(`constraint ${identifier(name)} ${constraintClause('check', definition)}`)
  const make = `${parts.join('\n  ')};`
  return domain.comment === undefined
    ? [make]
    : [make, `comment on domain ${namesText(domain.name)} is ${literal(domain.comment)};`]
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

function ownership(schema: string, { name, ownedBy }: Sequence): string[] {
  if (ownedBy === undefined) return []
  const owner = `${qualified(schema, ownedBy.relation)}.${identifier(ownedBy.column)}`
  return [`alter sequence ${qualified(schema, name)} owned by ${owner};`]
}
