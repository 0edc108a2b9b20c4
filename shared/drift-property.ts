/**
 * The rules of drift for properties that several sorts of objects have.
 *
 * Only the other rules use it.
 */
import { typeChange } from './drift-type.ts'
import { breaking, type Rule, risky, safe, whether } from './drift-verdict.ts'

/** A comment: words that machines do not act upon. */
export const REMARK: Rule = safe('a remark for people changed')

/** Whether null is refused. */
export const NOT_NULL: Rule = whether({
  gained: breaking('null is no longer accepted'),
  lost: risky('readers may now meet null'),
})

/** A collation. */
export const COLLATION: Rule = risky('texts may sort and compare otherwise')

/** What the role may do. */
export const PERMISSIONS: Rule = draft => {
  const now = textsIn(draft.after)
  const gone = textsIn(draft.before).some(permission => !now.includes(permission))
  return gone ? breaking('the role lost a permission') : safe('the role gained a permission')
}

/** A type that became another. */
export const TYPE: Rule = draft => {
  const change = typeChange(String(draft.before), String(draft.after))
  if (change === 'wider') return safe('a wider type that reads as before')
  if (change === 'other_reading') return risky('a wider type that clients may read as another type')
  return breaking('another type: values may be refused, lost or read otherwise')
}

/** The texts of a list that may be absent. */
export function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}
