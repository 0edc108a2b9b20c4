/**
 * Formats the columns of a table for SQL.
 *
 * Only the script of a relation uses this. Objects that a column needs and the snapshot lacks are left out, with a
 * remark.
 */
import { defaultText, expressionText, namesText, typeText } from '#client/cli/schema-sql-form.ts'
import { identifier } from '#client/cli/schema-sql-text.ts'
import type { SchemaSnapshot } from '#shared/schemas/snapshot.ts'
import type { Column, Relation } from '#shared/schemas/snapshot-relation.ts'
import type { Needs } from './sql-needs.ts'
import { identityClause, optionsClause } from './sql-traits.ts'

/** Returns a column with its type. */
export function columnText(column: Column, needs: Needs): string {
  const parts = [`${identifier(column.name)} ${typeText(column.type)}${optionsClause(column.options)}`]
  if (column.collation !== undefined && needs.collations(column.collation).length === 0)
    parts.push(`collate ${namesText(column.collation)}`)
  return [...parts, ...propertiesOf(column, needs)].join(' ')
}

/** Returns a column of a typed table; nothing if the type describes it completely. */
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
 * Writes out not-null constraint names that PostgreSQL would choose itself if another table has a constraint of the
 * same name: that table was created like this one, keeps its names, and may be created first. Before 18 these
 * constraints have no names.
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

/**
 * Returns `not null`, with its name if PostgreSQL would choose another one. Versions before 18 accept the name and
 * ignore it.
 */
export function notNullText({ notNullName }: Column): string {
  return notNullName === undefined ? 'not null' : `constraint ${identifier(notNullName)} not null`
}
