/**
 * Prints the parts of a script around its relations: foreign servers, publications, and the roles that policies name.
 *
 * Only the SQL printer uses this.
 */
import { expressionText } from '#client/cli/schema-sql-form.ts'
import { identifier, identifiers, qualified } from '#client/cli/schema-sql-text.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { Publication } from '#shared/schemas/snapshot-object.ts'

/** Returns foreign servers, and the wrappers that no extension created and that need no function. */
export function serverStatements({ servers }: Snapshot): string[] {
  const wrappers = new Set(
    (servers ?? []).filter(it => it.extension === undefined && !it.handled).map(it => it.wrapper),
  )
  return [
    ...[...wrappers].map(name => `create foreign data wrapper ${identifier(name)};`),
    ...(servers ?? []).map(
      ({ name, wrapper }) =>
        `create server if not exists ${identifier(name)} foreign data wrapper ${identifier(wrapper)};`,
    ),
  ]
}

const EVERY = 4

/** Returns the roles that policies name; the script does not create them. */
export function rolesOf({ schemas }: Snapshot): string[] {
  const named = schemas.flatMap(({ relations }) => relations.flatMap(it => (it.policies ?? []).flatMap(it => it.roles)))
  return [...new Set(named)].filter(role => role !== 'public' && !role.startsWith('pg_')).map(identifier)
}

/** Returns the publications of the relations that the script creates. */
export function publicationStatements(snapshot: Snapshot, made: ReadonlySet<string>): string[] {
  const all = snapshot.schemas.flatMap(({ name, relations }) =>
    relations.filter(it => made.has(qualified(name, it.name))).map(relation => ({ schema: name, relation })),
  )
  return (snapshot.publications ?? []).map(publication => {
    const named = all.flatMap(({ schema, relation }) => {
      const found = relation.published?.find(it => it.name === publication.name)
      if (found === undefined) return []
      const columns = found.columns === undefined ? '' : ` (${identifiers(found.columns)})`
      const filter = found.filter === undefined ? '' : ` where (${expressionText(found.filter)})`
      const only = relation.kind === 'partitioned_table' ? '' : 'only '
      return [`${only}${qualified(schema, relation.name)}${columns}${filter}`]
    })
    const schemas = (publication.schemas ?? []).map(schema => `tables in schema ${identifier(schema)}`)
    // A single TABLE for all tables: PostgreSQL 13 and 14 accept nothing else.
    const tables = named.length === 0 ? [] : [`table ${named.join(', ')}`]
    const what = publication.allTables ? ['all tables'] : [...tables, ...schemas]
    return `create publication ${identifier(publication.name)}${
      what.length === 0 ? '' : ` for ${what.join(', ')}`
    }${publicationOptions(publication)};`
  })
}

function publicationOptions({ operations, viaRoot, generated }: Publication): string {
  const options = [
    ...(operations.length === EVERY ? [] : [`publish = '${operations.join(', ')}'`]),
    ...(viaRoot ? ['publish_via_partition_root = true'] : []),
    ...(generated ? ['publish_generated_columns = stored'] : []),
  ]
  return options.length === 0 ? '' : ` with (${options.join(', ')})`
}
