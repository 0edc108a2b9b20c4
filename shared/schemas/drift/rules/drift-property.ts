/**
 * The rules of drift for properties that several sorts of objects have.
 *
 * Only the other rules use it.
 */

import { elementOf, typeChange } from '#shared/schemas/drift/drift-type.ts'
import { breaking, type ChangeVerdict, type DriftRule, risky, safe } from '#shared/schemas/drift/drift-verdict.ts'

/** Removed objects. */
export const GONE: ChangeVerdict = breaking('it was dropped, or the role may no longer see it')

/** A comment: words that machines do not act upon. */
export const REMARK: DriftRule = safe('a remark for people changed')

const NOT_VALID = ' NOT VALID'

/** True for a check or key that now holds for earlier rows too. One that its columns say whole has no definition. */
export function isValidated(before: unknown, after: unknown): boolean {
  return String(before).endsWith(NOT_VALID) && (after === undefined || before === `${String(after)}${NOT_VALID}`)
}
/** The verdict on it. */
export const VALIDATED: ChangeVerdict = safe('it holds for the rows that were there before it, too')
/** The verdict on the way back. */
export const UNVALIDATED: ChangeVerdict = risky('it may not hold for rows that were there before it')

/** A collation. */
export const COLLATION: DriftRule = risky('texts may sort and compare otherwise')

const RENAMED = risky('the same type has another name or schema: what names it fails')
const RETYPED = breaking('another type: values may be refused, lost or read otherwise')

/** A type that became another. */
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
  // A domain comes to clients as what it is made of; only what it accepts is its own.
  return below === now || typeChange(below, now) === 'wider'
    ? risky('the same values, of which others may be refused now')
    : RETYPED
}

/** True when every label of an enum is one of the other, too. */
function areLabelsKept(was: readonly string[] | null, is: readonly string[] | null): boolean {
  if (was === null || is === null) return false
  const labels = new Set(is)
  return was.every(label => labels.has(label))
}

/** The texts of a list that may be absent. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
