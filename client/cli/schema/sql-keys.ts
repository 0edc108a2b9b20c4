/**
 * Keys of tables and types: equal where two texts name the same thing, whatever words are quoted in them.
 *
 * Only the commands that print a schema use it.
 */
import { identifiersIn } from '#client/cli/schema-sql-form.ts'
import { baseTypeOf } from '#client/cli/schema-type-name.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { Range } from '#shared/schemas/snapshot-object.ts'

/** The identity of a table or type, however its name is quoted. */
export function formatKey(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}

/** The key of a type, of an array that of its elements; of a type of PostgreSQL's own, its text. */
export function typeKey(type: string): string {
  const [schema, name] = identifiersIn(baseTypeOf(type).replace(/\([^()]*\)$/, '')) ?? []
  return schema === undefined || name === undefined ? type : formatKey(schema, name)
}

/** The key of a range's multirange: of the name that PostgreSQL gives it where the snapshot tells no other. */
export function multirangeKey({ name, multirange }: Range): string {
  const [schema = '', own = ''] = identifiersIn(name) ?? []
  if (multirange !== undefined) return typeKey(multirange)
  return formatKey(schema, own.includes('range') ? own.replace('range', 'multirange') : `${own}_multirange`)
}

/** The keys of the collations that a snapshot holds. */
export function collationKeys({ schemas }: Snapshot): string[] {
  return schemas.flatMap(({ others }) =>
    (others ?? []).flatMap(({ name, definition }) => {
      const isHeld = definition !== undefined && name.startsWith('collation ')
      const [schema, own] = (isHeld ? identifiersIn(name.slice('collation '.length)) : null) ?? []
      return schema === undefined || own === undefined ? [] : [formatKey(schema, own)]
    }),
  )
}
