/**
 * The parts of a table other than columns: constraints, indexes, policies, triggers and partitions. Empty parts are
 * left out.
 */
import type { ReactNode } from 'react'
import type { Constraint, Policy, Relation, Trigger } from '#shared/schemas/snapshot-relation.ts'

/** Shows all parts. */
export function RelationParts({ relation }: { relation: Relation }) {
  const { constraints = [], indexes = [], policies = [], triggers = [], partitions = [] } = relation
  return (
    <>
      <Part title="Constraints" items={constraints.map(one => [one.name, constraintText(one)])} />
      <Part title="Indexes" items={indexes.map(one => [one.name, one.definition])} />
      <Part title="Policies" items={policies.map(one => [one.name, policyText(one)])} />
      <Part title="Triggers" items={triggers.map(one => [one.name, triggerText(one)])} />
      <Part title="Partitions" items={partitions.map(one => [one.name, one.bound])} />
    </>
  )
}

function Part({ title, items }: { title: string; items: readonly (readonly [name: string, text: ReactNode])[] }) {
  if (items.length === 0) return null
  return (
    <section className="part">
      <h4>
        {title} <span className="faint number">{items.length}</span>
      </h4>
      <dl>
        {items.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{text}</code>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function constraintText({ kind, columns, references, definition }: Constraint): string {
  if (definition !== undefined) return definition
  const list = `(${columns.join(', ')})`
  if (references === undefined) return `${kind.replace('_', ' ')} ${list}`
  return `${list} → ${references.schema}.${references.relation} (${references.columns.join(', ')})`
}

function policyText({ command, restrictive, roles, using, check }: Policy): string {
  const parts = [
    `${restrictive ? 'restrictive, ' : ''}${command} to ${roles.join(', ')}`,
    ...(using === undefined ? [] : [`using ${using}`]),
    ...(check === undefined ? [] : [`with check ${check}`]),
  ]
  return parts.join(' ')
}

function triggerText({ timing, events, forEachRow, function: run, enabled }: Trigger): string {
  const when = `${timing.replace('_', ' ')} ${events.join(' or ')} for each ${forEachRow ? 'row' : 'statement'}`
  return `${when}: ${run}${enabled === undefined ? '' : ` (${enabled})`}`
}
