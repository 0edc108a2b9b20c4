/**
 * The drift rules for objects without a shape of their own in a snapshot: operators, casts, event triggers, default
 * privileges and the like.
 *
 * The kind is the first word of the name, as PostgreSQL identifies objects. Only `drift-class.ts` uses them.
 */
import {
  breaking,
  type Draft,
  type DriftRule,
  MAYBE_RESPELLED,
  type Rules,
  risky,
  safe,
  spellingRule,
} from '#shared/schemas/drift/drift-verdict.ts'
import type { Other } from '#shared/schemas/snapshot-object.ts'

const isOf = ({ path }: Draft, ...kinds: readonly string[]) =>
  kinds.some(kind => path.at(-1)?.startsWith(`${kind} `) === true)

const PLANS = safe('queries may be planned differently')
const PRIVILEGES = risky('objects created from now on have other permissions')
const COMMANDS = risky('schema changes may be refused, or followed by other commands')
const CASTS = risky('expressions may be interpreted differently')

/** The rule for a new object. */
export const NEW_OTHER: DriftRule = draft => {
  if (isOf(draft, 'event trigger')) return COMMANDS
  if (isOf(draft, 'default acl')) return PRIVILEGES
  // A new cast or operator may be chosen for an existing expression.
  return isOf(draft, 'cast', 'operator') ? CASTS : safe('nothing existing changed')
}

/** The rule for a removed object. */
export const LOST_OTHER: DriftRule = draft => {
  if (isOf(draft, 'statistics object')) return PLANS
  if (isOf(draft, 'event trigger')) return COMMANDS
  if (isOf(draft, 'default acl')) return PRIVILEGES
  return isOf(draft, 'subscription') ? risky('its changes are no longer replicated') : breaking('references to it fail')
}

const OTHERWISE: DriftRule = draft => {
  // There are additional permissions since 17, and other names for functions.
  if (draft.compared.isOtherMajor) return MAYBE_RESPELLED
  if (isOf(draft, 'statistics object')) return PLANS
  if (isOf(draft, 'event trigger')) return COMMANDS
  return isOf(draft, 'default acl') ? PRIVILEGES : risky('it does something else')
}

/** The rules for the properties of such an object. */
export const OTHER: Rules<Other> = {
  definition: spellingRule(draft =>
    isOf(draft, 'collation') ? risky('texts may sort and compare differently') : PLANS,
  ),
  hash: OTHERWISE,
}
