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

/** A type, and the types that it consists of. */
export interface MadeType {
  readonly name: string
  readonly of: readonly string[]
  /** Returns the statements that create it; the first is a remark if it cannot be created. Ask for the types in `of` first. */
  statements(): readonly string[]
}

/** Returns each type once by its key, although several schemas may list it. */
export function typesOf(schemas: readonly SchemaSnapshot[], needs: Needs): Map<string, MadeType> {
  const all = new Map<string, MadeType>()
  const add = (made: MadeType) => void (isSystem(made.name) || all.set(typeKey(made.name), made))
  for (const schema of schemas) {
    for (const { name, labels, comment } of schema.enums ?? []) {
      const make = `create type ${namesText(name)} as enum (${labels.map(literal).join(', ')});`
      add({ name, of: [], statements: () => [make, ...commentOn('type', name, comment)] })
    }
    for (const one of schema.domains ?? []) add(domain(one, needs))
    for (const one of schema.composites ?? []) add(composite(one, needs))
    for (const one of schema.ranges ?? []) {
      add(range(one, needs))
      // It is created with its range, and other types may use it.
      all.set(multirangeKey(one), { name: one.name, of: [one.name], statements: () => [] })
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

/** Returns the statements of a type; remarks if a type that it consists of is not created. */
function whenMade(types: readonly string[], needs: Needs, statements: readonly string[]): readonly string[] {
  return needs.types(types).length === 0 ? statements : statements.map(text => remark(text, 'missing'))
}

function domain(made: Domain, needs: Needs): MadeType {
  return {
    name: made.name,
    of: [made.type],
    statements: () => whenMade([made.type], needs, domainStatements(made, needs)),
  }
}

function domainStatements(made: Domain, needs: Needs): string[] {
  const { name, type, collation, comment } = made
  const parts = [`create domain ${namesText(name)} as ${typeText(type)}`]
  const late: string[] = []
  if (collation !== undefined && needs.collations(collation).length === 0) parts.push(`collate ${namesText(collation)}`)
  if (made.default !== undefined) {
    const text = `default ${defaultText(made.default)}`
    if (needs.calls(made.default).length === 0) parts.push(text)
    else late.push(remark(`alter domain ${namesText(name)} set ${text};`, 'missing'))
  }
  if (made.notNull) parts.push('not null')
  for (const { name: check, definition } of made.checks ?? []) {
    const text = `constraint ${identifier(check)} ${constraintClause('check', definition)}`
    const isLate = definition.endsWith('NOT VALID')
    const alter = `alter domain ${namesText(name)}\n  add ${text};`
    if (needs.calls(definition).length > 0) late.push(remark(alter, 'missing'))
    else if (isLate) late.push(alter)
    else parts.push(text)
  }
  return [`${parts.join('\n  ')};`, ...late, ...commentOn('domain', name, comment)]
}

function composite({ name, attributes, comment }: Composite, needs: Needs): MadeType {
  const lines = attributes.map(it => {
    const isHeld = it.collation !== undefined && needs.collations(it.collation).length === 0
    const collate = isHeld ? ` collate ${namesText(it.collation ?? '')}` : ''
    return `  ${identifier(it.name)} ${typeText(it.type)}${collate}`
  })
  const make = `create type ${namesText(name)} as (${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n`});`
  const types = attributes.map(it => it.type)
  return { name, of: types, statements: () => whenMade(types, needs, [make, ...commentOn('type', name, comment)]) }
}

/** Without its functions, whose bodies no snapshot holds, a range is created all the same; only a remark names them. */
function range(one: Range, needs: Needs): MadeType {
  const { name, type, comment } = one
  const statements = () => {
    const missing = [...needs.operatorClasses(one.class), ...needs.collations(one.collation)]
    const functions = [one.difference, one.canonical].filter(it => it !== undefined)
    const held = functions.filter(it => needs.calls(`${it}()`).length === 0)
    const make = [
      rangeText(one, held),
      ...(held.length === functions.length ? [] : [remark(rangeText(one, functions), 'missing')]),
      ...commentOn('type', name, comment),
    ]
    return missing.length === 0 ? whenMade([type], needs, make) : [remark(rangeText(one, functions), 'missing')]
  }
  return { name, of: [type], statements }
}

function rangeText({ name, type, ...of }: Range, functions: readonly string[]): string {
  const part = (key: string, value: string | undefined) => (value === undefined ? [] : [`${key} = ${namesText(value)}`])
  const called = (key: string, value = '') => (functions.includes(value) ? part(key, value) : [])
  const parts = [
    `subtype = ${typeText(type)}`,
    ...part('collation', of.collation),
    ...part('subtype_opclass', of.class),
    ...called('subtype_diff', of.difference),
    ...called('canonical', of.canonical),
    ...part('multirange_type_name', of.multirange),
  ]
  return `create type ${namesText(name)} as range (${parts.join(', ')});`
}
