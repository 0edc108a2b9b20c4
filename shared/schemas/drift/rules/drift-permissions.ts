/**
 * The drift rules for the role's privileges on a relation and its columns.
 *
 * Only the other rules use them.
 */
import { breaking, type ChangeVerdict, type DriftRule, safe } from '#shared/schemas/drift/drift-verdict.ts'
import { type Node, nodesIn } from '#shared/schemas/snapshot-parts.ts'
import { textsIn } from './drift-property.ts'

/** The role's privileges on a relation. Grants on all of its columns are equivalent, except for deleting. */
export const RELATION_PERMISSIONS: DriftRule = ({ before, after, was, is }) =>
  permissions([...textsIn(before), ...ofColumns(was)], [...textsIn(after), ...ofColumns(is)])

/**
 * The role's privileges on a column beyond those on its relation: a grant on the relation replaces the column's own.
 */
export const COLUMN_PERMISSIONS: DriftRule = ({ before, after, within: { was, is } }) =>
  permissions([...textsIn(before), ...textsIn(was['may'])], [...textsIn(after), ...textsIn(is['may'])])

function permissions(before: readonly string[], after: readonly string[]): ChangeVerdict {
  if (before.some(permission => !after.includes(permission))) return breaking('the role lost a permission')
  const isMore = after.some(permission => !before.includes(permission))
  return isMore ? safe('the role gained a permission') : safe('the role may do the same by another grant')
}

/** The privileges that are granted on every column of a relation individually. */
function ofColumns(relation: Node | undefined): string[] {
  const [first = [], ...others] = nodesIn(relation ?? {}, 'columns').map(column => textsIn(column['may']))
  return first.filter(permission => others.every(granted => granted.includes(permission)))
}
