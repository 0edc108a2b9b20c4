/**
 * Rarer traits of relations → the statements that create them: partitions, triggers, rules, replica identity, comments of keys
 * and indexes, options of foreign tables.
 *
 * Only the SQL printer uses it.
 */
import { ruleText } from '#client/cli/schema-sql-definition.ts'
import { namesText, numberText } from '#client/cli/schema-sql-form.ts'
import { identifier, identifiers, literal, qualified, remark } from '#client/cli/schema-sql-text.ts'
import type { IdentityOptions, Option, Relation, Trigger } from '#shared/schemas/snapshot-relation.ts'
import type { Needs } from './sql-needs.ts'

/** Options of a foreign table or column. One of which only the hash is known is left out. */
export function optionsClause(options: readonly Option[] | undefined): string {
  const known = (options ?? []).flatMap(({ name, value }) =>
    value === undefined ? [] : [`${identifier(name)} ${literal(value)}`],
  )
  return known.length === 0 ? '' : ` options (${known.join(', ')})`
}

/** The options of an identity column's sequence. */
export function identityClause(options: IdentityOptions | undefined): string {
  if (options === undefined) return ''
  const { start, increment, min, max, cache } = options
  const words = { 'start with': start, 'increment by': increment, minvalue: min, maxvalue: max, cache }
  const parts = Object.entries(words).flatMap(([word, value]) =>
    value === undefined ? [] : [`${word} ${numberText(value)}`],
  )
  return ` (${[...parts, ...(options.cycle ? ['cycle'] : [])].join(' ')})`
}

const ENABLING = { disabled: 'disable', replica: 'enable replica', always: 'enable always' } as const

/** Rules and triggers, as far as what they call is there. */
export function rewriteStatements(name: string, relation: Relation, needs: Needs): string[] {
  const rules = (relation.rules ?? []).flatMap(rule => {
    const make = `${ruleText(rule.definition, rule.name)};`
    if (needs.calls(rule.definition).length > 0) return [remark(make, 'missing')]
    return [
      make,
      ...(rule.enabled === undefined
        ? []
        : [`alter table ${name} ${ENABLING[rule.enabled]} rule ${identifier(rule.name)};`]),
      ...commentOn('rule', name, rule),
    ]
  })
  return [...rules, ...(relation.triggers ?? []).flatMap(trigger => triggerStatements(name, trigger, needs))]
}

function triggerStatements(table: string, trigger: Trigger, needs: Needs): string[] {
  // Its arguments and its condition are not in a snapshot, and most functions are not either.
  if (!isMade(trigger, needs)) return []
  const columns = trigger.columns === undefined ? '' : ` of ${identifiers(trigger.columns)}`
  const events = trigger.events.map(event => (event === 'update' ? `update${columns}` : event)).join(' or ')
  const late = { immediate: '', deferrable: ' deferrable', deferred: ' deferrable initially deferred' }
  const { name, constraint, timing, forEachRow, enabled } = trigger
  const kind = constraint === undefined ? 'trigger' : 'constraint trigger'
  const make = `create ${kind} ${identifier(name)} ${timing === 'instead_of' ? 'instead of' : timing} ${events} on ${table}${
    constraint === undefined ? '' : late[constraint]
  } for each ${forEachRow ? 'row' : 'statement'} execute function ${namesText(trigger.function)}();`
  return [
    make,
    ...(enabled === undefined ? [] : [`alter table ${table} ${ENABLING[enabled]} trigger ${identifier(name)};`]),
    ...commentOn('trigger', table, trigger),
  ]
}

/** The comment of a trigger, rule or policy of a relation. */
export function commentOn(kind: 'trigger' | 'rule' | 'policy', relation: string, of: Commented): string[] {
  if (of.comment === undefined) return []
  return [`comment on ${kind} ${identifier(of.name)} on ${relation} is ${literal(of.comment)};`]
}

interface Commented {
  readonly name: string
  readonly comment?: string | undefined
}

/** True when a trigger can be made of what a snapshot holds. */
export function isMade(trigger: Trigger, needs: Needs): boolean {
  return trigger.hash === undefined && needs.calls(`${trigger.function}()`).length === 0
}

/** Replica identity: the columns of old rows that replication receives. */
export function replicaStatements(name: string, { replicaIdentity, replicaIndex }: Relation): string[] {
  if (replicaIdentity === undefined) return []
  const what = replicaIdentity === 'index' ? `using index ${identifier(replicaIndex ?? '')}` : replicaIdentity
  return [`alter table ${name} replica identity ${what};`]
}

/** Comments of constraints and indexes. */
export function partComments(schema: string, name: string, { constraints, indexes }: Relation): string[] {
  return [
    ...(constraints ?? []).flatMap(it =>
      it.comment === undefined
        ? []
        : [`comment on constraint ${identifier(it.name)} on ${name} is ${literal(it.comment)};`],
    ),
    ...(indexes ?? []).flatMap(it =>
      it.comment === undefined ? [] : [`comment on index ${qualified(schema, it.name)} is ${literal(it.comment)};`],
    ),
  ]
}
