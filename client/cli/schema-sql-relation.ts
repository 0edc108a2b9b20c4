/**
 * Converts a relation of a snapshot into the statements that create it, in the three steps in which a script must run
 * them.
 *
 * Only the SQL printer uses this.
 */

import { columnText, notNullText, typedColumnText } from '#client/cli/schema/sql-columns.ts'
import { constraintText } from '#client/cli/schema/sql-constraints.ts'
import { whenHeld } from '#client/cli/schema/sql-held.ts'
import type { Needs } from '#client/cli/schema/sql-needs.ts'
import { ownForeignKeys, ownStatements, partitionStatements } from '#client/cli/schema/sql-partitions.ts'
import { rowSecurity } from '#client/cli/schema/sql-policies.ts'
import { storageClause } from '#client/cli/schema/sql-storage.ts'
import { optionsClause, partComments, replicaStatements, rewriteStatements } from '#client/cli/schema/sql-traits.ts'
import type { Constraint, Index, Relation } from '#shared/schemas/snapshot-relation.ts'
import { indexText, optionsText, partitionText, queryText } from './schema-sql-definition.ts'
import { defaultText, namesText, typeText } from './schema-sql-form.ts'
import { isCut } from './schema-sql-outline.ts'
import { identifier, literal, qualified, remark } from './schema-sql-text.ts'

/**
 * The statements of a relation: the relation itself; then, once every relation exists, its indexes, keys and policies.
 */
export interface RelationStatements {
  /** The qualified name, quoted for SQL. */
  readonly name: string
  /** The statements that create the relation, which comes first. */
  readonly make: string[]
  readonly complete: string[]
  /** Foreign keys, each with the qualified name of the relation that it refers to. */
  readonly refer: { readonly to: string; readonly text: string }[]
}

/** Returns the statements of a relation. `isPart` is true for a relation that the partitions of its table create. */
export function relationStatements(schema: string, relation: Relation, ordered: OrderedRelation): RelationStatements {
  const { needs, isPart, isInherited } = ordered
  const name = qualified(schema, relation.name)
  const own = (relation.constraints ?? []).filter(it => !(it.inherited && isInherited))
  const late = own.filter(it => isLate(it, needs))
  const make = isView(relation) ? [viewText(name, relation)] : [tableText(name, relation, ordered)]
  const isWhole = relation.kind === 'partitioned_table'
  const indexes = (relation.indexes ?? []).filter(it => !(it.inherited && isInherited))
  return {
    name,
    make: [
      ...(isPart ? [] : [...make, ...(ordered.isPlain ? [] : partitionStatements(name, relation))]),
      ...comments(name, relation),
    ],
    complete: [
      ...ownColumns(name, relation, ordered),
      ...lateColumns(name, relation, needs),
      ...late.filter(it => it.kind !== 'foreign_key').map(it => addition(name, it, needs)),
      ...indexes.map(it =>
        whenHeld(
          `${indexText(it.definition, [schema, relation.name, it.name], isWhole && !it.invalid)};`,
          needs.calls(it.definition),
        ),
      ),
      ...(ordered.isPlain ? [] : ownStatements(relation, needs)),
      ...replicaStatements(name, relation),
      ...partComments(schema, name, { ...relation, ...made(own, indexes, needs) }),
      ...rewriteStatements(name, relation, needs),
      ...rowSecurity(name, relation, needs),
    ],
    refer: [...foreignKeys(schema, relation, { late, needs }), ...(ordered.isPlain ? [] : ownForeignKeys(relation))],
  }
}

/** The constraints other than foreign keys, and the indexes, that the script creates rather than comments out. */
function made(constraints: readonly Constraint[], indexes: readonly Index[], needs: Needs) {
  const isMade = ({ definition = '' }: Constraint | Index) => !isCut(definition) && needs.calls(definition).length === 0
  return {
    constraints: constraints.filter(it => it.kind !== 'foreign_key' && isMade(it)),
    indexes: indexes.filter(isMade),
  }
}

/** Returns the foreign keys with their comments. */
function foreignKeys(
  schema: string,
  relation: Relation,
  { late, needs }: { late: readonly Constraint[]; needs: Needs },
) {
  const name = qualified(schema, relation.name)
  return late
    .filter(it => it.kind === 'foreign_key')
    .map(it => {
      const make = addition(name, it, needs)
      const remarks = partComments(schema, name, { ...relation, constraints: [it], indexes: [] })
      return { to: target(it), text: isCut(make) ? make : [make, ...remarks].join('\n') }
    })
}

/** The statements that create a relation. */
export interface OrderedRelation {
  readonly needs: Needs
  /** True for a partition that is created together with its table. */
  readonly isPart: boolean
  /** The table that it is a partition of, if that is listed too. */
  readonly partOf: Relation | null
  /** True if its inherited parts are created with it. */
  readonly isInherited: boolean
  /** True if its partitions are created with another table. */
  readonly isPlain?: boolean
}

function addition(name: string, constraint: Constraint, needs: Needs): string {
  const missing = constraint.kind === 'foreign_key' ? [] : needs.calls(constraint.definition)
  return whenHeld(`alter table ${name}\n  add ${constraintText(constraint)};`, missing)
}

/**
 * Returns statements for column properties that are set after the table is created: a view's defaults, unvalidated
 * constraints, and, as remarks, properties that need a missing object.
 */
function lateColumns(name: string, relation: Relation, needs: Needs): string[] {
  return relation.columns.flatMap(column => {
    const column_ = identifier(column.name)
    const statements: string[] = []
    const { default: text, generated } = column
    if (text !== undefined && (isView(relation) || needs.calls(text).length > 0))
      statements.push(
        whenHeld(`alter table ${name} alter column ${column_} set default ${defaultText(text)};`, needs.calls(text)),
      )
    if (generated !== undefined && needs.calls(generated).length > 0)
      statements.push(
        remark(`alter table ${name} alter column ${column_} generated always as (${generated});`, 'missing'),
      )
    if (!isView(relation) && needs.collations(column.collation).length > 0)
      statements.push(
        remark(
          `alter table ${name} alter column ${column_} type ${typeText(column.type)} collate ${namesText(column.collation ?? '')};`,
          'missing',
        ),
      )
    // Only this table, not those that inherit from it. Version 18 has syntax for that; before, they could drop it.
    if (column.notNull && column.nullBelow && !isView(relation))
      statements.push(
        needs.serverVersionNum >= 180_000
          ? `alter table ${name} add ${notNullText(column)} ${column_} no inherit;`
          : `alter table only ${name} alter column ${column_} set not null;`,
      )
    if (column.notNullUnvalidated)
      statements.push(`alter table ${name} add ${notNullText(column)} ${column_} not valid;`)
    return statements
  })
}

/** Returns statements for the columns that differ from the table, with whose properties a partition is created. */
function ownColumns(name: string, { columns }: Relation, { partOf, needs }: OrderedRelation): string[] {
  const others = new Map(partOf?.columns.map(it => [it.name, it]))
  return columns.flatMap(column => {
    const other = others.get(column.name)
    if (other === undefined) return []
    const alter = `alter table ${name} alter column ${identifier(column.name)}`
    const { default: text } = column
    const isHeld = text !== undefined && needs.calls(text).length === 0
    return [
      ...(text === other.default || (text !== undefined && !isHeld)
        ? []
        : [text === undefined ? `${alter} drop default;` : `${alter} set default ${defaultText(text)};`]),
      ...(column.notNull && !other.notNull ? [`${alter} set not null;`] : []),
    ]
  })
}

function target({ references }: Constraint): string {
  return references === undefined ? '' : qualified(references.schema, references.relation)
}

/** True for a relation that has a query instead of rows of its own. */
export function isView({ kind }: Relation): boolean {
  return kind === 'view' || kind === 'materialized_view'
}

/**
 * True for a constraint that must be added after the table: foreign keys may refer forward; an unvalidated constraint
 * must not be checked on creation; a table that is created with two keys over the same columns keeps only one; and a
 * constraint that cannot be created must not take the table with it.
 */
function isLate({ kind, definition = '' }: Constraint, needs: Needs): boolean {
  if (kind === 'foreign_key' || kind === 'unique' || definition.endsWith('NOT VALID')) return true
  return kind !== 'primary_key' && (isCut(definition) || needs.calls(definition).length > 0)
}

function viewText(name: string, relation: Relation): string {
  const query = queryText(relation.definition ?? '')
  const options = relation.options === undefined ? '' : ` with (${optionsText(relation.options)})`
  if (relation.kind === 'view') return `create view ${name}${options} as\n${query};`
  return `create materialized view ${name}${storageClause(relation.storage)} as\n${query}\nwith no data;`
}

function tableText(name: string, relation: Relation, { needs, isInherited }: OrderedRelation): string {
  const constraints = (relation.constraints ?? []).filter(it => !isLate(it, needs) && !(it.inherited && isInherited))
  const { ofType } = relation
  const lines = [
    ...relation.columns.flatMap(it => (ofType === undefined ? [columnText(it, needs)] : typedColumnText(it, needs))),
    ...constraints.map(constraintText),
  ]
  const of = ofType === undefined ? '' : `of ${typeText(ofType)} `
  const body =
    lines.length === 0 ? (ofType === undefined ? '()' : '') : `(\n${lines.map(line => `  ${line}`).join(',\n')}\n)`
  const kind = relation.kind === 'foreign_table' ? 'foreign ' : relation.unlogged ? 'unlogged ' : ''
  const parents = isInherited ? (relation.inherits ?? []).map(it => qualified(it.schema, it.name)) : []
  const inherits = parents.length === 0 ? '' : ` inherits (${parents.join(', ')})`
  const partition = relation.partitionKey === undefined ? '' : ` partition by ${partitionText(relation.partitionKey)}`
  const foreign =
    relation.kind === 'foreign_table'
      ? ` server ${identifier(relation.server ?? '')}${optionsClause(relation.serverOptions)}`
      : ''
  const storage = storageClause(relation.storage)
  const statement = `create ${kind}table ${name} ${of}${body}${inherits}${partition}${storage}${foreign};`
  const missing = [...needs.types(relation.columns.map(it => it.type)), ...needs.calls(relation.partitionKey)]
  return whenHeld(statement, missing)
}

const WORDS: Readonly<Record<Relation['kind'], string>> = {
  table: 'table',
  partitioned_table: 'table',
  foreign_table: 'foreign table',
  view: 'view',
  materialized_view: 'materialized view',
}

function comments(name: string, relation: Relation): string[] {
  const own =
    relation.comment === undefined
      ? []
      : [`comment on ${WORDS[relation.kind]} ${name} is ${literal(relation.comment)};`]
  const columns = relation.columns.flatMap(column =>
    column.comment === undefined
      ? []
      : [`comment on column ${name}.${identifier(column.name)} is ${literal(column.comment)};`],
  )
  return [...own, ...columns]
}
