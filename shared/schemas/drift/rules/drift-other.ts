/**
 * The rules of drift for what a snapshot has no shape for: operators, casts, event triggers, default privileges and the like.
 *
 * The kind is the beginning of the name, as PostgreSQL identifies objects. Only `drift-class.ts` reads them.
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

const PLANS = safe('queries may be planned otherwise')
const PRIVILEGES = risky('what is created from now on has other permissions')
const COMMANDS = risky('other commands that change the schema are refused, or followed by others')
const CASTS = risky('expressions may be read otherwise')

/** An object that is new. */
export const NEW_OTHER: DriftRule = draft => {
  if (isOf(draft, 'event trigger')) return COMMANDS
  if (isOf(draft, 'default acl')) return PRIVILEGES
  // A new way of reading an expression may be taken in place of another one.
  return isOf(draft, 'cast', 'operator') ? CASTS : safe('nothing that was there changed')
}

/** An object that is gone. */
export const LOST_OTHER: DriftRule = draft => {
  if (isOf(draft, 'statistics object')) return PLANS
  if (isOf(draft, 'event trigger')) return COMMANDS
  if (isOf(draft, 'default acl')) return PRIVILEGES
  return isOf(draft, 'subscription') ? risky('what it replicated no longer comes') : breaking('what names it fails')
}

const OTHERWISE: DriftRule = draft => {
  // There are more permissions (17), and other names of functions.
  if (draft.compared.isOtherMajor) return MAYBE_RESPELLED
  if (isOf(draft, 'statistics object')) return PLANS
  if (isOf(draft, 'event trigger')) return COMMANDS
  return isOf(draft, 'default acl') ? PRIVILEGES : risky('it does something else')
}

/** Rules of its properties. */
export const OTHER: Rules<Other> = {
  definition: spellingRule(draft => (isOf(draft, 'collation') ? risky('texts may sort and compare otherwise') : PLANS)),
  hash: OTHERWISE,
}
