/**
 * Converts the types of a snapshot into the statements that create them, each after the types that it consists of.
 *
 * Only the SQL printer uses this.
 */

import { multirangeKey, typeKey } from '#client/cli/schema/sql-keys.ts'
import { constraintClause } from '#client/cli/schema-sql-definition.ts'
import { defaultText, identifiersIn, namesText, typeText } from '#client/cli/schema-sql-form.ts'
import { identifier, literal, remark } from '#client/cli/schema-sql-text.ts'
import type { SchemaSnapshot } from '#shared/schemas/snapshot.ts'
import type { Composite, Domain, Range } from '#shared/schemas/snapshot-object.ts'
import type { Needs } from './sql-needs.ts'

/** The statements that create a type, and the types that it consists of. */
export interface MadeType {
  readonly name: string
  readonly of: readonly string[]
  readonly statements: readonly string[]
}

/** Returns each type once by its key, although several schemas may list it. */
export function typesOf(schemas: readonly SchemaSnapshot[], needs: Needs): Map<string, MadeType> {
  const all = new Map<string, MadeType>()
  const add = (made: MadeType) => void (isSystem(made.name) || all.set(typeKey(made.name), made))
  for (const schema of schemas) {
    for (const { name, labels, comment } of schema.enums ?? []) {
      const make = `create type ${namesText(name)} as enum (${labels.map(literal).join(', ')});`
      add({ name, of: [], statements: [make, ...commentOn('type', name, comment)] })
    }
    for (const one of schema.domains ?? []) add(domain(one, needs))
    for (const one of schema.composites ?? []) add(composite(one, needs))
    for (const one of schema.ranges ?? []) {
      add(range(one, needs))
      // It is created with its range, and other types may use it.
      all.set(multirangeKey(one), { name: one.name, of: [one.name], statements: [] })
    }
  }
  return all
}

/** Snapshots of format 1 contain domains that belong to PostgreSQL itself. */
function isSystem(name: string): boolean {
  const [schema] = identifiersIn(name) ?? []
  return schema === 'information_schema' || schema === 'pg_catalog'
}

function commentOn(kind: 'type' | 'domain', name: string, comment: string | undefined): string[] {
  return comment === undefined ? [] : [`comment on ${kind} ${namesText(name)} is ${literal(comment)};`]
}

function domain(of: Domain, needs: Needs): MadeType {
  const { name, type, collation, comment } = of
  const parts = [`create domain ${namesText(name)} as ${typeText(type)}`]
  const late: string[] = []
  if (collation !== undefined && needs.collations(collation).length === 0) parts.push(`collate ${namesText(collation)}`)
  if (of.default !== undefined) {
    const text = `default ${defaultText(of.default)}`
    if (needs.calls(of.default).length === 0) parts.push(text)
    else late.push(remark(`alter domain ${namesText(name)} set ${text};`, 'missing'))
  }
  if (of.notNull) parts.push('not null')
  for (const { name: check, definition } of of.checks ?? []) {
    const text = `constraint ${identifier(check)} ${constraintClause('check', definition)}`
    const isLate = definition.endsWith('NOT VALID')
    const alter = `alter domain ${namesText(name)}\n  add ${text};`
    if (needs.calls(definition).length > 0) late.push(remark(alter, 'missing'))
    else if (isLate) late.push(alter)
    else parts.push(text)
  }
  return { name, of: [type], statements: [`${parts.join('\n  ')};`, ...late, ...commentOn('domain', name, comment)] }
}

function composite({ name, attributes, comment }: Composite, needs: Needs): MadeType {
  const lines = attributes.map(it => {
    const isHeld = it.collation !== undefined && needs.collations(it.collation).length === 0
    const collate = isHeld ? ` collate ${namesText(it.collation ?? '')}` : ''
    return `  ${identifier(it.name)} ${typeText(it.type)}${collate}`
  })
  const make = `create type ${namesText(name)} as (${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n`});`
  const types = attributes.map(it => it.type)
  const isHeld = needs.types(types).length === 0
  return {
    name,
    of: types,
    statements: isHeld ? [make, ...commentOn('type', name, comment)] : [remark(make, 'missing')],
  }
}

function range({ name, type, comment, ...of }: Range, needs: Needs): MadeType {
  const parts = [`subtype = ${typeText(type)}`]
  if (of.collation !== undefined) parts.push(`collation = ${namesText(of.collation)}`)
  if (of.class !== undefined) parts.push(`subtype_opclass = ${namesText(of.class)}`)
  if (of.difference !== undefined) parts.push(`subtype_diff = ${namesText(of.difference)}`)
  if (of.canonical !== undefined) parts.push(`canonical = ${namesText(of.canonical)}`)
  if (of.multirange !== undefined) parts.push(`multirange_type_name = ${namesText(of.multirange)}`)
  const make = `create type ${namesText(name)} as range (${parts.join(', ')});`
  const missing = [
    ...[of.canonical, of.difference].flatMap(one => (one === undefined ? [] : needs.calls(`${one}()`))),
    ...needs.operatorClasses(of.class),
    ...needs.collations(of.collation),
    ...needs.types([type]),
  ]
  const statements = missing.length === 0 ? [make, ...commentOn('type', name, comment)] : [remark(make, 'missing')]
  return { name, of: [type], statements }
}
