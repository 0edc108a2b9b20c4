/**
 * Converts less common properties of relations into the statements that create them: partitions, triggers, rules,
 * replica identity, comments on keys and indexes, options of foreign tables.
 *
 * Only the SQL printer uses this.
 */
import { ruleText } from '#client/cli/schema-sql-definition.ts'
import { namesText, numberText } from '#client/cli/schema-sql-form.ts'
import { identifier, identifiers, literal, qualified, remark } from '#client/cli/schema-sql-text.ts'
import type { IdentityOptions, Option, Relation, Trigger } from '#shared/schemas/snapshot-relation.ts'
import type { Needs } from './sql-needs.ts'

/** Returns the options of a foreign table or column. An option of which only the hash is known is left out. */
export function optionsClause(options: readonly Option[] | undefined): string {
  const known = (options ?? []).flatMap(({ name, value }) =>
    value === undefined ? [] : [`${identifier(name)} ${literal(value)}`],
  )
  return known.length === 0 ? '' : ` options (${known.join(', ')})`
}

/** Returns the options of an identity column's sequence. */
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

/** Returns rules and triggers, if everything that they call exists. */
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
  // A snapshot holds neither its arguments and condition nor most functions.
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

/** Returns the comment of a trigger, rule or policy of a relation. */
export function commentOn(
  kind: 'trigger' | 'rule' | 'policy',
  relation: string,
  { comment, name }: Commented,
): string[] {
  if (comment === undefined) return []
  return [`comment on ${kind} ${identifier(name)} on ${relation} is ${literal(comment)};`]
}

interface Commented {
  readonly name: string
  readonly comment?: string | undefined
}

/** True if a snapshot holds everything that is needed to create the trigger. */
export function isMade(trigger: Trigger, needs: Needs): boolean {
  return trigger.hash === undefined && needs.calls(`${trigger.function}()`).length === 0
}

/** Returns the replica identity: the columns of old rows that replication receives. */
export function replicaStatements(name: string, { replicaIdentity, replicaIndex }: Relation): string[] {
  if (replicaIdentity === undefined) return []
  const what = replicaIdentity === 'index' ? `using index ${identifier(replicaIndex ?? '')}` : replicaIdentity
  return [`alter table ${name} replica identity ${what};`]
}

/** Returns the comments of constraints and indexes. */
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
