/**
 * The order of objects in a script, and the names that a snapshot mentions but does not contain.
 *
 * Only the SQL printer uses this.
 */
import { formatKey, typeKey } from '#client/cli/schema/sql-keys.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'
import { identifiersIn } from './schema-sql-form.ts'
import { identifier } from './schema-sql-text.ts'

/** The maximum length of a chain of dependencies, since a hostile catalog can chain all of its objects. */
export const MAX_CHAIN = 1_000

/** A relation with its schema. */
export interface Named {
  readonly schema: string
  readonly relation: Relation
}

/**
 * Sorts views after those that they mention. A snapshot has no dependencies, but its queries qualify every name with
 * its schema.
 */
export function inOrder(views: readonly Named[]): Named[] {
  const mentions = views.map(({ schema, relation }) => mention(schema, relation.name))
  const seen = new Set<Named>()
  const result: Named[] = []
  const add = (view: Named, depth = 0) => {
    if (seen.has(view)) return
    seen.add(view)
    const needed = views.filter((_, at) => depth < MAX_CHAIN && mentions[at]?.test(view.relation.definition ?? ''))
    for (const other of needed) add(other, depth + 1)
    result.push(view)
  }
  for (const view of views) add(view)
  return result
}

/** Sorts items by name, each after the items that it depends on. A name for which `find` returns null is skipped. */
export function inDepth<T>(
  names: readonly string[],
  find: (name: string) => { readonly item: T; readonly below: readonly string[] } | null,
): T[] {
  const seen = new Set<string>()
  const result: T[] = []
  const add = (name: string, depth: number) => {
    if (seen.has(name)) return
    const found = find(name)
    if (found === null) return
    seen.add(name)
    if (depth < MAX_CHAIN) for (const one of found.below) add(one, depth + 1)
    result.push(found.item)
  }
  for (const name of names) add(name, 0)
  return result
}

/** Returns the keys of the tables and types that a table inherits from, is a partition of, or uses in a column. */
export function neededBy({ relation: { inherits = [], partitionOf, columns, ofType } }: Named): string[] {
  const parents = [...inherits, ...(partitionOf ? [partitionOf] : [])].map(it => formatKey(it.schema, it.name))
  return [...parents, ...columns.map(({ type }) => typeKey(type)), ...(ofType === undefined ? [] : [typeKey(ofType)])]
}

/**
 * Matches the qualified name as PostgreSQL prints it, which quotes some words unnecessarily. Matches whole names only.
 */
function mention(schema: string, name: string): RegExp {
  const either = (name: string) => {
    const quoted = `"${name.replaceAll('"', '""')}"`
    return identifier(name) === name ? `(?:${name}|${quoted})` : quoted.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  }
  return new RegExp(`(?<![\\w$"])${either(schema)}\\.${either(name)}(?![\\w$"])`)
}

/** Returns schemas of extensions and of missing sequences that the snapshot does not list, quoted for SQL. */
export function missingSchemas(snapshot: Snapshot): string[] {
  const { schemas, extensions } = snapshot
  const known = new Set(['pg_catalog', ...schemas.map(({ name }) => identifier(name))])
  const ofSequences = missingSequences(snapshot).flatMap(name => {
    const [schema, relation] = identifiersIn(name) ?? []
    return schema === undefined || relation === undefined ? [] : [identifier(schema)]
  })
  const texts = schemas.flatMap(({ relations, ...types }) => [
    ...relations.flatMap(({ partitions }) => (partitions ?? []).map(({ name }) => name)),
    ...[types.enums, types.domains, types.composites, types.ranges].flatMap(list =>
      (list ?? []).map(({ name }) => name),
    ),
  ])
  const ofNames = texts.flatMap(name => {
    const [schema, own] = identifiersIn(name) ?? []
    return schema === undefined || own === undefined || schema === 'information_schema' ? [] : [identifier(schema)]
  })
  const mentioned = new Set([...extensions.map(({ schema }) => identifier(schema)), ...ofSequences, ...ofNames])
  return [...mentioned].filter(name => !known.has(name))
}

/** Returns the sequences that defaults use but the role cannot see, quoted for SQL. */
export function missingSequences({ schemas }: Snapshot): string[] {
  const known = schemas.flatMap(({ name, sequences }) => (sequences ?? []).map(it => mention(name, it.name)))
  const drawn = schemas
    .flatMap(({ relations }) => relations.flatMap(({ columns }) => columns))
    .flatMap(({ default: text }) => /^nextval\('(.*)'::regclass\)$/s.exec(text ?? '')?.[1]?.replaceAll("''", "'") ?? [])
  return [...new Set(drawn)].filter(name => !known.some(one => one.test(name)))
}
