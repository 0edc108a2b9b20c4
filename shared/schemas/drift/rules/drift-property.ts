/**
 * The drift rules for properties that several kinds of objects share.
 *
 * Only the other rules use them.
 */

import { elementOf, typeChange } from '#shared/schemas/drift/drift-type.ts'
import { breaking, type ChangeVerdict, type DriftRule, risky, safe } from '#shared/schemas/drift/drift-verdict.ts'

/** The verdict on a removed object. */
export const GONE: ChangeVerdict = breaking('it was dropped, or the role may no longer see it')

/** The rule for a comment, which has no effect on programs. */
export const REMARK: DriftRule = safe('a comment changed')

const NOT_VALID = ' NOT VALID'

/**
 * True if a check or key now also holds for existing rows. A constraint that its columns describe completely has no
 * definition.
 */
export function isValidated(before: unknown, after: unknown): boolean {
  return String(before).endsWith(NOT_VALID) && (after === undefined || before === `${String(after)}${NOT_VALID}`)
}
/** The verdict on a constraint that now also holds for existing rows. */
export const VALIDATED: ChangeVerdict = safe('it now holds for existing rows as well')
/** The verdict on a constraint that no longer covers existing rows. */
export const UNVALIDATED: ChangeVerdict = risky('it may not hold for existing rows')

/** The rule for a collation. */
export const COLLATION: DriftRule = risky('texts may sort and compare differently')

const RENAMED = risky('the same type has another name or schema: references to it by name fail')
const RETYPED = breaking('another type: values may be refused, lost or interpreted differently')

/** The rule for a changed type. */
export const TYPE: DriftRule = draft => {
  const [before, after] = [String(draft.before), String(draft.after)]
  const change = typeChange(before, after)
  if (change === 'wider') return safe('a wider type that reads as before')
  if (change === 'other_reading') return risky('a wider type that clients may read as another type')
  const [was, is] = [elementOf(before), elementOf(after)]
  if (before.length - was.length !== after.length - is.length) return RETYPED
  const { types } = draft.compared
  const text = types.was().text(was)
  if (text !== null && (text === types.is().text(is) || areLabelsKept(types.was().labels(was), types.is().labels(is))))
    return RENAMED
  const [below, now] = [types.was().base(was), types.is().base(is)]
  if (below === was && now === is) return RETYPED
  // Clients receive a domain as its base type; only the accepted values differ.
  return below === now || typeChange(below, now) === 'wider'
    ? risky('the same base type, but other values may be refused')
    : RETYPED
}

/** True if the other enum has every label of this one. */
function areLabelsKept(was: readonly string[] | null, is: readonly string[] | null): boolean {
  if (was === null || is === null) return false
  const labels = new Set(is)
  return was.every(label => labels.has(label))
}

/** The strings of a list that may be absent. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
