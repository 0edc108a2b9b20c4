/**
 * One relation of a snapshot → the statements that make it, in the three steps in which a script must run them.
 *
 * Only the SQL printer uses it.
 */
import type { Column, Constraint, Policy, Relation } from '#shared/schemas/snapshot-relation.ts'
import { constraintClause, indexText, optionsText, partitionText, queryText } from './schema-sql-definition.ts'
import { defaultText, expressionText, namesText, typeText } from './schema-sql-form.ts'
import { identifier, identifiers, literal, qualified } from './schema-sql-text.ts'

/** What makes a relation: itself first; indexes, keys and policies once every relation is there. */
export interface RelationStatements {
  /** With its schema, as SQL takes it. */
  readonly name: string
  /** The relation first. */
  readonly make: string[]
  readonly complete: string[]
  /** Foreign keys, with the relation that each refers to, spelled with its schema. */
  readonly refer: { readonly to: string; readonly text: string }[]
}

/** The statements of a relation. */
export function relationStatements(schema: string, relation: Relation): RelationStatements {
  const name = qualified(schema, relation.name)
  const constraints = relation.constraints ?? []
  const late = constraints.filter(isLate)
  const make = isView(relation) ? [viewText(name, relation)] : [tableText(name, relation)]
  return {
    name,
    make: [...make, ...comments(name, relation)],
    complete: [
      ...late.filter(it => it.kind !== 'foreign_key').map(it => `alter table ${name}\n  add ${constraintText(it)};`),
      ...(relation.indexes ?? []).map(it => `${indexText(it.definition, [schema, relation.name, it.name])};`),
      ...rowSecurity(name, relation),
    ],
    refer: late
      .filter(it => it.kind === 'foreign_key')
      .map(it => ({ to: target(it), text: `alter table ${name}\n  add ${constraintText(it)};` })),
  }
}

function target({ references }: Constraint): string {
  return references === undefined ? '' : qualified(references.schema, references.relation)
}

/** True for what has a query instead of rows of its own. */
export function isView({ kind }: Relation): boolean {
  return kind === 'view' || kind === 'materialized_view'
}

/** Foreign keys may refer forward; what is not valid yet must not be checked when it is made. */
function isLate({ kind, definition }: Constraint): boolean {
  return kind === 'foreign_key' || definition?.endsWith('NOT VALID') === true
}

function viewText(name: string, relation: Relation): string {
  const query = queryText(relation.definition ?? '')
  const options = relation.options === undefined ? '' : ` with (${optionsText(relation.options)})`
  if (relation.kind === 'view') return `create view ${name}${options} as\n${query};`
  return `create materialized view ${name} as\n${query}\nwith no data;`
}

function tableText(name: string, relation: Relation): string {
  const constraints = (relation.constraints ?? []).filter(it => !isLate(it)).map(constraintText)
  const lines = [...relation.columns.map(columnText), ...constraints].map(line => `  ${line}`)
  const body = lines.length === 0 ? '()' : `(\n${lines.join(',\n')}\n)`
  const foreign = relation.kind === 'foreign_table'
  const partition = relation.partitionKey === undefined ? '' : ` partition by ${partitionText(relation.partitionKey)}`
  const server = foreign ? ` server ${identifier(relation.server ?? '')}` : ''
  return `create ${foreign ? 'foreign ' : ''}table ${name} ${body}${partition}${server};`
}

function columnText(column: Column): string {
  const parts = [identifier(column.name), typeText(column.type)]
  if (column.collation !== undefined) parts.push(`collate ${namesText(column.collation)}`)
  if (column.default !== undefined) parts.push(`default ${defaultText(column.default)}`)
  if (column.generated !== undefined) {
    parts.push(`generated always as (${expressionText(column.generated)}) ${column.virtual ? 'virtual' : 'stored'}`)
  }
  if (column.identity !== undefined) {
    parts.push(`generated ${column.identity === 'always' ? 'always' : 'by default'} as identity`)
  }
  if (column.notNull) parts.push('not null')
  return parts.join(' ')
}

/** A constraint as PostgreSQL spells it, whether the snapshot holds its text or only what it is made of. */
export function constraintDefinition({ kind, columns, references, definition }: Constraint): string {
  if (definition !== undefined) return definition
  if (!references) return `${kind === 'primary_key' ? 'PRIMARY KEY' : 'UNIQUE'} (${identifiers(columns)})`
  const { schema, relation, columns: targets, onUpdate, onDelete } = references
  const update = onUpdate === 'no_action' ? '' : ` ON UPDATE ${ACTIONS[onUpdate]}`
  const remove = onDelete === 'no_action' ? '' : ` ON DELETE ${ACTIONS[onDelete]}`
  const target = `${qualified(schema, relation)}(${identifiers(targets)})`
  return `FOREIGN KEY (${identifiers(columns)}) REFERENCES ${target}${update}${remove}`
}

const ACTIONS = {
  no_action: 'NO ACTION',
  restrict: 'RESTRICT',
  cascade: 'CASCADE',
  set_null: 'SET NULL',
  set_default: 'SET DEFAULT',
} as const

function constraintText(constraint: Constraint): string {
  const { name, kind, definition } = constraint
  const clause = definition === undefined ? constraintDefinition(constraint) : constraintClause(kind, definition)
  return `constraint ${identifier(name)} ${clause}`
}

function rowSecurity(name: string, relation: Relation): string[] {
  return [
    ...(relation.rowSecurity ? [`alter table ${name} enable row level security;`] : []),
    ...(relation.rowSecurityForced ? [`alter table ${name} force row level security;`] : []),
    ...(relation.policies ?? []).map(policy => policyText(name, policy)),
  ]
}

function policyText(table: string, policy: Policy): string {
  const roles = policy.roles.map(role => (role === 'public' ? role : identifier(role))).join(', ')
  const restrictive = policy.restrictive ? ' as restrictive' : ''
  const using = policy.using === undefined ? '' : `\n  using (${expressionText(policy.using)})`
  const check = policy.check === undefined ? '' : `\n  with check (${expressionText(policy.check)})`
  return `create policy ${identifier(policy.name)} on ${table}${restrictive} for ${policy.command} to ${roles}${using}${check};`
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
