/**
 * The rules of drift for properties that several sorts of objects have.
 *
 * Only the other rules use it.
 */

import { type Node, nodesIn } from '#shared/schemas/snapshot-parts.ts'
import { typeChange } from './drift-type.ts'
import { breaking, type Rule, risky, safe, type Verdict, whether } from './drift-verdict.ts'

/** A comment: words that machines do not act upon. */
export const REMARK: Rule = safe('a remark for people changed')

/** Whether null is refused. */
export const NOT_NULL: Rule = whether({
  gained: breaking('null is no longer accepted'),
  lost: risky('readers may now meet null'),
})

/** A collation. */
export const COLLATION: Rule = risky('texts may sort and compare otherwise')

/** What the role may do with a relation. What is granted on each of its columns is as good, but for deleting. */
export const RELATION_PERMISSIONS: Rule = ({ before, after, was, is }) =>
  permissions([...textsIn(before), ...ofColumns(was)], [...textsIn(after), ...ofColumns(is)])

/** What the role may do with a column beyond its relation: a grant on the whole takes the place of the column's own. */
export const COLUMN_PERMISSIONS: Rule = ({ before, after, within: { was, is } }) =>
  permissions([...textsIn(before), ...textsIn(was['may'])], [...textsIn(after), ...textsIn(is['may'])])

function permissions(before: readonly string[], after: readonly string[]): Verdict {
  if (before.some(permission => !after.includes(permission))) return breaking('the role lost a permission')
  const isMore = after.some(permission => !before.includes(permission))
  return isMore ? safe('the role gained a permission') : safe('the role may do the same by another grant')
}

/** What is granted on every column of a relation by itself. */
function ofColumns(relation: Node | undefined): string[] {
  const [first = [], ...others] = nodesIn(relation ?? {}, 'columns').map(column => textsIn(column['may']))
  return first.filter(permission => others.every(granted => granted.includes(permission)))
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
