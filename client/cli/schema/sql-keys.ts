/**
 * Keys of tables and types: equal if two texts name the same object, however the names are quoted.
 *
 * Only the commands that print a schema use this.
 */
import { identifiersIn } from '#client/cli/schema-sql-form.ts'
import { baseTypeOf } from '#client/cli/schema-type-name.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import type { Range } from '#shared/schemas/snapshot-object.ts'

/** Returns the key of a table or type, however its name is quoted. */
export function formatKey(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}

/** Returns the key of a type; for an array, that of its element type; for one of PostgreSQL's own types, its text. */
export function typeKey(type: string): string {
  const [schema, name] = identifiersIn(baseTypeOf(type).replace(/\([^()]*\)$/, '')) ?? []
  return schema === undefined || name === undefined ? type : formatKey(schema, name)
}

/** Returns the key of a range's multirange type: by default, the name that PostgreSQL gives it. */
export function multirangeKey({ name, multirange }: Range): string {
  const [schema = '', own = ''] = identifiersIn(name) ?? []
  if (multirange !== undefined) return typeKey(multirange)
  return formatKey(schema, own.includes('range') ? own.replace('range', 'multirange') : `${own}_multirange`)
}

/** Returns the keys of the collations that a snapshot holds. */
export function collationKeys({ schemas }: Snapshot): string[] {
  return schemas.flatMap(({ others }) =>
    (others ?? []).flatMap(({ name, definition }) => {
      const isHeld = definition !== undefined && name.startsWith('collation ')
      const [schema, own] = (isHeld ? identifiersIn(name.slice('collation '.length)) : null) ?? []
      return schema === undefined || own === undefined ? [] : [formatKey(schema, own)]
    }),
  )
}
