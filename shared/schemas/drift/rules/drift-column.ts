/**
 * The drift rules for columns: their types, whether they accept null, and how they get a value.
 *
 * Only `drift-class.ts` uses them.
 */

import { requiredBy } from '#shared/schemas/drift/drift-check.ts'
import { textWithoutName } from '#shared/schemas/drift/drift-same.ts'
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
  verdictOf,
  whether,
} from '#shared/schemas/drift/drift-verdict.ts'
import { type Node, nameOf } from '#shared/schemas/snapshot-parts.ts'
import type { Column } from '#shared/schemas/snapshot-relation.ts'
import { COLUMN_PERMISSIONS } from './drift-permissions.ts'
import { COLLATION, REMARK, TYPE } from './drift-property.ts'

/** True if a column gets a value when an insert omits it. */
export const isFilled = (column: Draft['is']): boolean =>
  ['default', 'identity', 'generated'].some(property => column?.[property] !== undefined)

/** A new column that must have a value and has no default breaks inserts that do not know it. */
export const newColumn: DriftRule = ({ is, within, compared }) => {
  if (String(within.is['kind']).endsWith('view')) return safe('a new column')
  const [types, type] = [compared.types.is(), String(is?.['type'])]
  const isRequired = is?.['notNull'] || is?.['notNullUnvalidated'] || types.refusesNull(type)
  return isRequired && !isFilled(is) && !types.fills(type)
    ? breaking('a required column without default: inserts that do not name it fail')
    : safe('a new column that inserts may omit')
}

/** The verdict on a column that starts to refuse null. */
export const NULL_REFUSED = breaking('null is no longer accepted')
/** The verdict if a check refuses null on the other side. */
export const NULL_WAS_REFUSED = safe('a check also refuses null')
const NULL_POSSIBLE = risky('readers may now get null')

/** True if a check of the table or the column's domain already refused null. */
const wasRefused = ({ path, was, within, compared }: Draft): boolean =>
  within.required.was().has(path.at(-1) ?? '') || compared.types.was().refusesNull(String(was?.['type']))

const isRefused = ({ path, is, within, compared }: Draft): boolean =>
  within.required.is().has(path.at(-1) ?? '') || compared.types.is().refusesNull(String(is?.['type']))

const NOT_NULL: DriftRule = whether({
  gained: draft => {
    if (draft.was?.['notNullUnvalidated']) return safe('null was already refused, and no existing row has it')
    return wasRefused(draft) ? NULL_WAS_REFUSED : NULL_REFUSED
  },
  lost: draft => (isRefused(draft) ? NULL_WAS_REFUSED : NULL_POSSIBLE),
})

const UNVALIDATED: DriftRule = whether({
  gained: draft => {
    if (draft.was?.['notNull']) return NULL_POSSIBLE
    return wasRefused(draft) ? NULL_WAS_REFUSED : NULL_REFUSED
  },
  lost: draft => {
    if (draft.is?.['notNull']) return safe('it now holds for existing rows as well')
    return isRefused(draft) ? NULL_WAS_REFUSED : NULL_POSSIBLE
  },
})

/** The rule for whether a domain refuses null. */
export const DOMAIN_NOT_NULL: DriftRule = whether({
  gained: ({ was }) => (refusesNull(was) ? NULL_WAS_REFUSED : NULL_REFUSED),
  lost: ({ is }) => (refusesNull(is) ? NULL_WAS_REFUSED : NULL_POSSIBLE),
})

function refusesNull(domain: Draft['was']): boolean {
  return requiredBy(domain ?? {}).has('VALUE')
}

const isDrawn = (column: Draft['was']): boolean => String(column?.['default']).startsWith('nextval(')

const lostDefault = ({ was, is }: Draft): ChangeVerdict => {
  if (isDrawn(was) && is?.['identity'] !== undefined) return safe('the column generates its own numbers')
  if (isFilled(is)) return risky('inserts that omit the column get a different value')
  return is?.['notNull']
    ? breaking('inserts that omit the column fail')
    : risky('inserts that omit the column now get null')
}

// Turning a serial column into an identity column is the recommended path, but inserts that provide values must then
// say so.
const newIdentity: DriftRule = ({ was, after }) => {
  if (after !== 'always') return safe('the server generates the value')
  return isDrawn(was)
    ? risky('inserts that give the column a value must say "overriding system value"')
    : breaking('inserts that give the column a value fail')
}

const OTHER_DEFAULT = spellingRule(risky('inserts that omit the column get a different value'))

/** True if the column draws its numbers from a sequence of its own, and that sequence has only another name. */
function isRenamedSequence({ path, before, after, compared: { sequences } }: Draft): boolean {
  const key = JSON.stringify(path)
  const [was, is] = [drawnFrom(before, sequences.was().get(key)), drawnFrom(after, sequences.is().get(key))]
  return was !== undefined && is !== undefined && textWithoutName(was) === textWithoutName(is)
}

function drawnFrom(value: unknown, owned: readonly Node[] = []): Node | undefined {
  const text = String(value)
  return text.startsWith('nextval(') ? owned.find(sequence => text.includes(nameOf(sequence))) : undefined
}

/** Rules of the properties of a column. */
export const COLUMN: Rules<Column> = {
  type: TYPE,
  notNull: NOT_NULL,
  notNullUnvalidated: UNVALIDATED,
  nullBelow: whether({ gained: NULL_POSSIBLE, lost: safe('no row has null in it') }),
  default: whether({
    gained: safe('inserts may now omit the column'),
    lost: lostDefault,
    altered: draft =>
      isRenamedSequence(draft) ? safe('its sequence has another name') : verdictOf(OTHER_DEFAULT, draft),
  }),
  identity: whether({
    gained: newIdentity,
    lost: lostDefault,
    altered: ({ after }) =>
      after === 'always' ? breaking('inserts that give the column a value fail') : safe('inserts may give a value'),
  }),
  identityOptions: risky('different numbers are generated'),
  generated: whether({
    gained: breaking('the column can no longer be written'),
    lost: risky('the column is no longer computed'),
    altered: spellingRule(risky('the column is computed differently')),
  }),
  virtual: safe('the column is computed at another time'),
  collation: COLLATION,
  comment: REMARK,
  may: COLUMN_PERMISSIONS,
  base: risky('an extension based its type on another one'),
  options: risky('the values come from another place on the foreign server'),
  // Before 18 the constraint had no name.
  notNullName: ({ compared }) => (compared.isOtherMajor ? RESPELLED : safe('a constraint has another name')),
}
