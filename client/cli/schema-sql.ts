/**
 * Snapshot → DDL-like text: what `mooring schema sql` prints.
 *
 * It is for reading, and runs as far as a snapshot says everything: functions, triggers, composite and range types,
 * partitions, grants and storage are not in one. Do not run that of a database that is not trusted: its expressions are its
 * owner's words. pg_dump needs the database itself, and a version no older than the server.
 */
import type { Domain, SchemaSnapshot, Sequence, Snapshot } from '#shared/snapshot.ts'
import { inOrder, missingSchemas, missingSequences, type Named } from './schema-sql-order.ts'
import { isView, relationStatements } from './schema-sql-relation.ts'
import { identifier, literal, qualified, remark } from './schema-sql-text.ts'

/** Writes a script, in an order in which it runs: types, sequences, tables, views, indexes, policies, foreign keys. */
export function schemaSql(snapshot: Snapshot): string {
  const all = snapshot.schemas.flatMap(({ name, relations }): Named[] =>
    relations.map(relation => ({ schema: name, relation })),
  )
  const tables = all.filter(({ relation }) => !isView(relation))
  const views = inOrder(all.filter(({ relation }) => isView(relation)))
  const names = new Set(all.map(({ schema, relation }) => qualified(schema, relation.name)))
  const made = [...tables, ...views].map(({ schema, relation }) => relationStatements(schema, relation))
  const statements = [
    ...snapshot.schemas.flatMap(schemaStatements),
    ...missingSchemas(snapshot).map(name => `create schema if not exists ${name};`),
    ...snapshot.extensions.flatMap(extension =>
      extension.name === 'plpgsql'
        ? []
        : [`create extension if not exists ${identifier(extension.name)} with schema ${identifier(extension.schema)};`],
    ),
    ...typeStatements(snapshot.schemas),
    ...snapshot.schemas.flatMap(({ name, sequences }) => (sequences ?? []).flatMap(it => sequenceStatements(name, it))),
    ...missingSequences(snapshot).map(name => `create sequence ${name};`),
    ...made.flatMap(({ make }) => make),
    ...snapshot.schemas.flatMap(({ name, sequences }) => (sequences ?? []).flatMap(it => ownership(name, it))),
    ...made.flatMap(({ complete }) => complete),
    ...made.flatMap(({ refer }) => refer).map(({ to, text }) => (names.has(to) ? text : remark(text))),
  ]
  return `${statements.map(whole).join('\n\n')}\n`
}

/** What was too long when it was read is there in part: no statement to run. */
function whole(statement: string): string {
  const isCut = / \.\.\. \[\d+ bytes, sha-256 [0-9a-f]{64}\]/.test(statement) && !statement.startsWith('comment on ')
  return isCut ? remark(statement) : statement
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
    `create type ${name} as enum (${labels.map(literal).join(', ')});`,
    ...(comment === undefined ? [] : [`comment on type ${name} is ${literal(comment)};`]),
  ])
  const done = new Set<string>()
  const add = (domain: Domain) => {
    if (done.has(domain.name)) return
    done.add(domain.name)
    const below = domains.get(domain.type.replace(/(\[\])+$/, ''))
    if (below) add(below)
    statements.push(...domainStatements(domain))
  }
  for (const domain of domains.values()) add(domain)
  return statements
}

function domainStatements(domain: Domain): string[] {
  const parts = [`create domain ${domain.name} as ${domain.type}`]
  if (domain.collation !== undefined) parts.push(`collate ${domain.collation}`)
  if (domain.default !== undefined) parts.push(`default ${domain.default}`)
  if (domain.notNull) parts.push('not null')
  for (const { name, definition } of domain.checks ?? []) parts.push(`constraint ${identifier(name)} ${definition}`)
  const make = `${parts.join('\n  ')};`
  return domain.comment === undefined
    ? [make]
    : [make, `comment on domain ${domain.name} is ${literal(domain.comment)};`]
}

function sequenceStatements(schema: string, sequence: Sequence): string[] {
  const name = qualified(schema, sequence.name)
  const make = `create sequence ${name} as ${sequence.type} start with ${sequence.start} increment by ${sequence.increment}
  minvalue ${sequence.min} maxvalue ${sequence.max} cache ${sequence.cache}${sequence.cycle ? ' cycle' : ''};`
  return sequence.comment === undefined
    ? [make]
    : [make, `comment on sequence ${name} is ${literal(sequence.comment)};`]
}

function ownership(schema: string, { name, ownedBy }: Sequence): string[] {
  if (ownedBy === undefined) return []
  const owner = `${qualified(schema, ownedBy.relation)}.${identifier(ownedBy.column)}`
  return [`alter sequence ${qualified(schema, name)} owned by ${owner};`]
}
