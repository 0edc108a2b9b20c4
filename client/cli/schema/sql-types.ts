/**
 * The types of a snapshot → the statements that make them, each after those that it is made of.
 *
 * Only the SQL printer uses it.
 */
import { constraintClause } from '#client/cli/schema-sql-definition.ts'
import { defaultText, namesOf, namesText, typeText } from '#client/cli/schema-sql-form.ts'
import { MAX_CHAIN } from '#client/cli/schema-sql-order.ts'
import { identifier, literal, remark } from '#client/cli/schema-sql-text.ts'
import { elementOf } from '#client/cli/schema-type-name.ts'
import type { SchemaSnapshot } from '#shared/schemas/snapshot.ts'
import type { Composite, Domain, Range } from '#shared/schemas/snapshot-object.ts'
import type { Needs } from './sql-needs.ts'

interface Made {
  readonly name: string
  readonly of: readonly string[]
  readonly statements: string[]
}

/** Each type once, though several schemas may list it. */
export function typeStatements(schemas: readonly SchemaSnapshot[], needs: Needs): string[] {
  const all = new Map<string, Made>()
  const add = (made: Made) => void (isSystem(made.name) || all.set(made.name, made))
  for (const schema of schemas) {
    for (const { name, labels, comment } of schema.enums ?? []) {
      const make = `create type ${namesText(name)} as enum (${labels.map(literal).join(', ')});`
      add({ name, of: [], statements: [make, ...commentOn('type', name, comment)] })
    }
    for (const one of schema.domains ?? []) add(domain(one, needs))
    for (const one of schema.composites ?? []) add(composite(one, needs))
    for (const one of schema.ranges ?? []) add(range(one))
  }
  const done = new Set<string>()
  const statements: string[] = []
  const put = (made: Made, depth = 0) => {
    if (done.has(made.name)) return
    done.add(made.name)
    const below = made.of.flatMap(type => all.get(elementOf(type)) ?? [])
    if (depth < MAX_CHAIN) for (const one of below) put(one, depth + 1)
    statements.push(...made.statements)
  }
  for (const made of all.values()) put(made)
  return statements
}

/** Snapshots of format 1 hold domains of PostgreSQL's own. */
function isSystem(name: string): boolean {
  const [schema] = namesOf(name) ?? []
  return schema === 'information_schema' || schema === 'pg_catalog'
}

function commentOn(kind: 'type' | 'domain', name: string, comment: string | undefined): string[] {
  return comment === undefined ? [] : [`comment on ${kind} ${namesText(name)} is ${literal(comment)};`]
}

function domain(of: Domain, needs: Needs): Made {
  const { name, type, collation, comment } = of
  const parts = [`create domain ${namesText(name)} as ${typeText(type)}`]
  const late: string[] = []
  if (collation !== undefined) parts.push(`collate ${namesText(collation)}`)
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

function composite({ name, attributes, comment }: Composite, needs: Needs): Made {
  const lines = attributes.map(it => {
    const collate = it.collation === undefined ? '' : ` collate ${namesText(it.collation)}`
    return `  ${identifier(it.name)} ${typeText(it.type)}${collate}`
  })
  const make = `create type ${namesText(name)} as (${lines.length === 0 ? '' : `\n${lines.join(',\n')}\n`});`
  const types = attributes.map(it => it.type)
  const statements = needs.types(types).length > 0 ? [remark(make, 'missing')] : [make]
  return { name, of: types, statements: [...statements, ...commentOn('type', name, comment)] }
}

function range({ name, type, comment, ...of }: Range): Made {
  const parts = [`subtype = ${typeText(type)}`]
  if (of.collation !== undefined) parts.push(`collation = ${namesText(of.collation)}`)
  if (of.class !== undefined) parts.push(`subtype_opclass = ${namesText(of.class)}`)
  if (of.difference !== undefined) parts.push(`subtype_diff = ${namesText(of.difference)}`)
  if (of.canonical !== undefined) parts.push(`canonical = ${namesText(of.canonical)}`)
  const make = `create type ${namesText(name)} as range (${parts.join(', ')});`
  const isHeld = [of.canonical, of.difference].every(one => one === undefined || one.startsWith('pg_catalog.'))
  return {
    name,
    of: [type],
    statements: [isHeld ? make : remark(make, 'missing'), ...commentOn('type', name, comment)],
  }
}
