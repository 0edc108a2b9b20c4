/**
 * The rules of drift for columns: their types, whether they take null, and how they are filled.
 *
 * Only `drift-class.ts` reads them.
 */

import { requiredBy } from '#shared/schemas/drift/drift-check.ts'
import {
  breaking,
  type ChangeVerdict,
  type Draft,
  type DriftRule,
  RESPELLED,
  type Rules,
  risky,
  safe,
  spellingRule,
  whether,
} from '#shared/schemas/drift/drift-verdict.ts'
import type { Column } from '#shared/schemas/snapshot-relation.ts'
import { COLUMN_PERMISSIONS } from './drift-permissions.ts'
import { COLLATION, REMARK, TYPE } from './drift-property.ts'

/** True when inserts that leave a column out give it a value. */
export const isFilled = (column: Draft['is']): boolean =>
  ['default', 'identity', 'generated'].some(property => column?.[property] !== undefined)

/** A new column breaks inserts that cannot know it, when it must have a value and makes none. */
export const newColumn: DriftRule = ({ is, within, compared }) => {
  if (String(within.is['kind']).endsWith('view')) return safe('a new column')
  const [types, type] = [compared.types.is(), String(is?.['type'])]
  const isRequired = is?.['notNull'] || is?.['notNullUnvalidated'] || types.refusesNull(type)
  return isRequired && !isFilled(is) && !types.fills(type)
    ? breaking('a required column without default: inserts that do not name it fail')
    : safe('a new column that inserts may leave out')
}

/** The verdict on a column that refuses null from now on, or did until now. */
export const NULL_REFUSED = breaking('null is no longer accepted')
/** A check said the same. */
export const NULL_WAS_REFUSED = safe('a check refuses null just as much')
const NULL_POSSIBLE = risky('readers may now meet null')

/** True where a check of the table or the column's domain kept null out before. */
const wasRefused = ({ path, was, within, compared }: Draft): boolean =>
  within.required.was().has(path.at(-1) ?? '') || compared.types.was().refusesNull(String(was?.['type']))

const isRefused = ({ path, is, within, compared }: Draft): boolean =>
  within.required.is().has(path.at(-1) ?? '') || compared.types.is().refusesNull(String(is?.['type']))

const NOT_NULL: DriftRule = whether({
  gained: draft => {
    if (draft.was?.['notNullUnvalidated']) return safe('null was refused already, and no earlier row has it')
    return wasRefused(draft) ? NULL_WAS_REFUSED : NULL_REFUSED
  },
  lost: draft => (isRefused(draft) ? NULL_WAS_REFUSED : NULL_POSSIBLE),
})

const UNVALIDATED: DriftRule = whether({
  gained: draft => {
    if (draft.was?.['notNull']) return NULL_POSSIBLE
    return wasRefused(draft) ? NULL_WAS_REFUSED : NULL_REFUSED
  },
  lost: draft => (draft.is?.['notNull'] ? safe('it holds for the rows that were there before it, too') : NULL_POSSIBLE),
})

/** Whether a domain refuses null. */
export const DOMAIN_NOT_NULL: DriftRule = whether({
  gained: ({ was }) => (refusesNull(was) ? NULL_WAS_REFUSED : NULL_REFUSED),
  lost: ({ is }) => (refusesNull(is) ? NULL_WAS_REFUSED : NULL_POSSIBLE),
})

function refusesNull(domain: Draft['was']): boolean {
  return requiredBy(domain ?? {}).has('VALUE')
}

const isDrawn = (column: Draft['was']): boolean => String(column?.['default']).startsWith('nextval(')

const lostDefault = ({ was, is }: Draft): ChangeVerdict => {
  if (isDrawn(was) && is?.['identity'] !== undefined) return safe('the column draws its own numbers')
  if (isFilled(is)) return risky('inserts that leave the column out get another value')
  return is?.['notNull']
    ? breaking('inserts that leave the column out fail')
    : risky('inserts that leave the column out now get null')
}

// A serial column that becomes an identity is the recommended path; who gave it values must say so from then on.
const newIdentity: DriftRule = ({ was, after }) => {
  if (after !== 'always') return safe('the server makes the value')
  return isDrawn(was)
    ? risky('inserts that give the column a value must say "overriding system value"')
    : breaking('inserts that give the column a value fail')
}

/** Rules of the properties of a column. */
export const COLUMN: Rules<Column> = {
  type: TYPE,
  notNull: NOT_NULL,
  notNullUnvalidated: UNVALIDATED,
  nullBelow: whether({ gained: NULL_POSSIBLE, lost: safe('no row has null in it') }),
  default: whether({
    gained: safe('inserts may now leave the column out'),
    lost: lostDefault,
    altered: spellingRule(risky('inserts that leave the column out get another value')),
  }),
  identity: whether({
    gained: newIdentity,
    lost: lostDefault,
    altered: ({ after }) =>
      after === 'always' ? breaking('inserts that give the column a value fail') : safe('inserts may give a value'),
  }),
  identityOptions: risky('other numbers are drawn'),
  generated: whether({
    gained: breaking('the column can no longer be written'),
    lost: risky('the column is no longer computed'),
    altered: spellingRule(risky('the column is computed otherwise')),
  }),
  virtual: safe('the column is computed at another time'),
  collation: COLLATION,
  comment: REMARK,
  may: COLUMN_PERMISSIONS,
  base: risky('an extension made its type of another one'),
  options: risky('the values come from elsewhere on the foreign server'),
  // Before 18 it had none.
  notNullName: ({ compared }) => (compared.isOtherMajor ? RESPELLED : safe('a constraint has another name')),
}
