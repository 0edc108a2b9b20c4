/**
 * Columns of a table as SQL takes them.
 *
 * Only the script of a relation uses it. Objects that a column needs and the snapshot lacks are left out, with a remark.
 */
import { defaultText, expressionText, namesText, typeText } from '#client/cli/schema-sql-form.ts'
import { identifier } from '#client/cli/schema-sql-text.ts'
import type { SchemaSnapshot } from '#shared/schemas/snapshot.ts'
import type { Column, Relation } from '#shared/schemas/snapshot-relation.ts'
import type { Needs } from './sql-needs.ts'
import { identityClause, optionsClause } from './sql-traits.ts'

/** A column with its type. */
export function columnText(column: Column, needs: Needs): string {
  const parts = [`${identifier(column.name)} ${typeText(column.type)}${optionsClause(column.options)}`]
  if (column.collation !== undefined && needs.collations(column.collation).length === 0)
    parts.push(`collate ${namesText(column.collation)}`)
  return [...parts, ...propertiesOf(column, needs)].join(' ')
}

/** A column of a table that is of a type; none where the type says all of it. */
export function typedColumnText(column: Column, needs: Needs): string[] {
  const parts = propertiesOf(column, needs)
  return parts.length === 0 ? [] : [`${identifier(column.name)} with options ${parts.join(' ')}`]
}

function propertiesOf(column: Column, needs: Needs): string[] {
  const parts: string[] = []
  const isHeld = (text: string | undefined): text is string => text !== undefined && needs.calls(text).length === 0
  if (isHeld(column.default)) parts.push(`default ${defaultText(column.default)}`)
  if (isHeld(column.generated)) {
    parts.push(`generated always as (${expressionText(column.generated)}) ${column.virtual ? 'virtual' : 'stored'}`)
  }
  if (column.identity !== undefined) {
    const when = column.identity === 'always' ? 'always' : 'by default'
    parts.push(`generated ${when} as identity${identityClause(column.identityOptions)}`)
  }
  if (column.notNull && !column.nullBelow) parts.push(notNullText(column))
  return parts
}

/**
 * Relations whose not null constraints have their names although PostgreSQL would choose them: where another table was made like
 * them, it has these names too, and is made first. Before 18 they have none.
 */
export function withTakenNames({ relations }: SchemaSnapshot, serverVersionNum: number): readonly Relation[] {
  const names = relations.flatMap(({ columns }) => columns.flatMap(({ notNullName }) => notNullName ?? []))
  if (serverVersionNum < NAMED_SINCE || names.length === 0) return relations
  const taken = new Set(names)
  return relations.map(relation => {
    const named = relation.columns.map(column => {
      const chosen = `${relation.name}_${column.name}_not_null`
      return column.notNull && column.notNullName === undefined && taken.has(chosen)
        ? { ...column, notNullName: chosen }
        : column
    })
    return { ...relation, columns: named }
  })
}

const NAMED_SINCE = 180_000

/** `not null`, with its name where it is none that PostgreSQL would give it. Before 18 the name is read and forgotten. */
export function notNullText({ notNullName }: Column): string {
  return notNullName === undefined ? 'not null' : `constraint ${identifier(notNullName)} not null`
}
