/**
 * The statements of a relation's row security: its switches and its policies.
 *
 * Only the script of a relation uses this.
 */
import { whenHeld } from '#client/cli/schema/sql-held.ts'
import type { Needs } from '#client/cli/schema/sql-needs.ts'
import { commentOn } from '#client/cli/schema/sql-traits.ts'
import { expressionText } from '#client/cli/schema-sql-form.ts'
import { identifier } from '#client/cli/schema-sql-text.ts'
import type { Policy, Relation } from '#shared/schemas/snapshot-relation.ts'

/**
 * Returns statements that enable row security and create the policies. A policy that calls missing functions becomes a
 * remark.
 */
export function rowSecurity(name: string, relation: Relation, needs: Needs): string[] {
  return [
    ...(relation.rowSecurity ? [`alter table ${name} enable row level security;`] : []),
    ...(relation.rowSecurityForced ? [`alter table ${name} force row level security;`] : []),
    ...(relation.policies ?? []).flatMap(policy => {
      const missing = [...needs.calls(policy.using), ...needs.calls(policy.check)]
      const make = whenHeld(policyText(name, policy), missing)
      return missing.length > 0 ? [make] : [make, ...commentOn('policy', name, policy)]
    }),
  ]
}

function policyText(table: string, policy: Policy): string {
  const roles = policy.roles.map(role => (role === 'public' ? role : identifier(role))).join(', ')
  const restrictive = policy.restrictive ? ' as restrictive' : ''
  const using = policy.using === undefined ? '' : `\n  using (${expressionText(policy.using)})`
  const check = policy.check === undefined ? '' : `\n  with check (${expressionText(policy.check)})`
  return `create policy ${identifier(policy.name)} on ${table}${restrictive} for ${policy.command} to ${roles}${using}${check};`
}
