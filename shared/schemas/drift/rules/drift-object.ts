/**
 * The drift rules for objects other than relations: types, functions, publications, servers, sequences, extensions.
 *
 * Only `drift-class.ts` uses them.
 */

import { nullCheck } from '#shared/schemas/drift/drift-check.ts'
import { textWithoutName } from '#shared/schemas/drift/drift-same.ts'
import {
  breaking,
  type Draft,
  type DriftRule,
  type Rules,
  risky,
  safe,
  spellingRule,
  verdictOf,
  whether,
} from '#shared/schemas/drift/drift-verdict.ts'
import { jsonText } from '#shared/schemas/snapshot-canonical.ts'
import type {
  Composite,
  Domain,
  Enum,
  Extension,
  Publication,
  Range,
  Sequence,
  Server,
} from '#shared/schemas/snapshot-object.ts'
import { nameOf, nodesIn } from '#shared/schemas/snapshot-parts.ts'
import { DOMAIN_NOT_NULL, NULL_REFUSED, NULL_WAS_REFUSED } from './drift-column.ts'
import { FUNCTION } from './drift-function.ts'
import { COLLATION, GONE, isValidated, REMARK, TYPE, textsIn, UNVALIDATED, VALIDATED } from './drift-property.ts'

/** Added objects. */
export const NEW = safe('nothing existing changed')

const LABELS: DriftRule = ({ before, after }) => {
  const was = textsIn(before)
  const is = textsIn(after)
  const left = new Set(is)
  if (was.some(label => !left.has(label))) return breaking('a label is gone: values with it are refused')
  return is.length > was.length
    ? risky('a new label: readers may get a value that they do not know')
    : risky('the labels sort differently')
}

/**
 * The rule for a removed type. A schema also lists types of other schemas that its columns use; such a type may still
 * exist.
 */
export const LOST_TYPE: DriftRule = ({ path, was, compared }) => {
  if (compared.types.is().has(path.at(-1) ?? '')) return safe('it still exists, but no column here uses it any longer')
  if (compared.goneTypes.is().has(textWithoutName(was ?? {})))
    return risky('the same type has another name or schema: references to it by name fail')
  return isExtended(textsIn(was?.['labels']), compared)
    ? risky('a type with its labels and more has another name or schema: references to it by name fail')
    : GONE
}

/** True if a new enum has these labels and others. */
function isExtended(labels: readonly string[], { types }: Draft['compared']): boolean {
  if (labels.length === 0) return false
  return types
    .is()
    .labelsBeyond(types.was())
    .some(more => labels.every(label => more.includes(label)))
}

/** The rule for a new check of a domain. */
export const NEW_CHECK: DriftRule = ({ is, within }) => {
  if (within.parts.was().has(`checks ${textWithoutName(is ?? {})}`))
    return safe('the same object existed under another name')
  const { columns, isPure } = nullCheck(is?.['definition'])
  if (!columns.includes('VALUE')) return STRICTER
  if (!wasRefused(within)) return NULL_REFUSED
  return isPure ? NULL_WAS_REFUSED : STRICTER
}

/** The rule for a removed check of a domain. */
export const LOST_CHECK: DriftRule = ({ was, within }) => {
  if (within.parts.is().has(`checks ${textWithoutName(was ?? {})}`))
    return safe('the same object exists under another name')
  return nullCheck(was?.['definition']).isPure && (within.is['notNull'] === true || within.required.is().has('VALUE'))
    ? NULL_WAS_REFUSED
    : risky('the guarantee of the constraint is gone')
}

const wasRefused = ({ was, required }: Draft['within']) => was['notNull'] === true || required.was().has('VALUE')

const STRICTER = risky('values that were accepted may be refused')

/** The rule for a removed sequence. If its column became an identity column, the sequence went with the old default. */
export const LOST_SEQUENCE: DriftRule = ({ was, within }) => {
  // Sound: the shape of a sequence in a snapshot.
  const owner = was?.['ownedBy'] as { relation: string; column: string } | undefined
  if (owner === undefined) return GONE
  const isSame = (one: Draft['was']) => jsonText(one?.['ownedBy'] ?? null) === jsonText(owner)
  if (nodesIn(within.is, 'sequences').some(isSame))
    return risky('its column uses another sequence: references to this one fail')
  const relation = within.relations.is().get(owner.relation) ?? {}
  const column = nodesIn(relation, 'columns').find(one => nameOf(one) === owner.column)
  return column?.['identity'] === undefined ? GONE : safe('its column generates its own numbers')
}

const EXTENSION: Rules<Extension> = {
  version: risky('the extension may behave differently'),
  schema: risky('its functions and types have moved'),
  requires: safe('it needs other extensions'),
}
const ENUM: Rules<Enum> = { labels: LABELS, comment: REMARK }
const DOMAIN: Rules<Domain, 'checks'> = {
  type: TYPE,
  notNull: DOMAIN_NOT_NULL,
  default: whether({
    gained: risky('omitted columns now get a value'),
    lost: risky('omitted columns now get null'),
    altered: spellingRule(risky('omitted columns get a different value')),
  }),
  collation: COLLATION,
  comment: REMARK,
}
const CHECK = {
  definition: spellingRule(({ before, after, within }) => {
    if (isValidated(before, after)) return VALIDATED
    if (isValidated(after, before)) return UNVALIDATED
    return nullCheck(after).columns.includes('VALUE') &&
      !nullCheck(before).columns.includes('VALUE') &&
      !wasRefused(within)
      ? NULL_REFUSED
      : STRICTER
  }),
}
const COMPOSITE: Rules<Composite, 'attributes'> & { readonly 'column order': DriftRule } = {
  comment: REMARK,
  'column order': breaking('its values are read and written in another order'),
}
const ATTRIBUTE = { type: TYPE, collation: COLLATION }
const RANGE: Rules<Range> = {
  type: breaking('its bounds have another type'),
  collation: COLLATION,
  class: risky('its bounds are ordered differently'),
  canonical: risky('its values are written differently'),
  difference: safe('indexes on it are built differently'),
  multirange: risky('its multirange has another name'),
  comment: REMARK,
}

const WITH_ITS_TABLE = safe('it is stored like the rows of its table')
const UNLOGGED = whether({
  gained: risky('its numbers are lost in a crash, and are not replicated'),
  lost: safe('its numbers survive a crash'),
})

/** True for the sequence of a column whose table changes in the same way (15). */
function followsTable({ was, is, within: { relations } }: Draft): boolean {
  // Sound: the shape of a sequence in a snapshot.
  const owner = is?.['ownedBy'] as { relation: string } | undefined
  const [before, after] = [relations.was(), relations.is()].map(it => it.get(owner?.relation ?? ''))
  return owner !== undefined && before?.['unlogged'] === was?.['unlogged'] && after?.['unlogged'] === is?.['unlogged']
}

const numbers = risky('different numbers are generated')
const SEQUENCE: Rules<Sequence> = {
  type: numbers,
  start: numbers,
  increment: numbers,
  min: numbers,
  max: numbers,
  cache: safe('numbers are allocated in batches of another size'),
  cycle: numbers,
  unlogged: draft => (followsTable(draft) ? WITH_ITS_TABLE : verdictOf(UNLOGGED, draft)),
  ownedBy: safe('it is dropped with another column'),
  comment: REMARK,
}

const PUBLICATION: Rules<Publication> = {
  allTables: whether({
    gained: risky('all tables are published'),
    lost: risky('tables that it does not name are no longer published'),
  }),
  schemas: risky('the tables of other schemas are published'),
  operations: ({ before, after }) =>
    textsIn(before).some(operation => !textsIn(after).includes(operation))
      ? risky('some operations are no longer published')
      : safe('more operations are published'),
  viaRoot: risky('changes of partitions are published as those of another table'),
  generated: whether({
    gained: safe('stored generated columns are published, too'),
    lost: risky('stored generated columns are no longer published'),
  }),
}
const SERVER: Rules<Server> = {
  wrapper: risky('its rows come through another wrapper'),
  extension: risky('its wrapper belongs to another extension'),
  handled: risky('its rows can be read, or no longer can'),
}

/** The rules for the properties of each kind of object. */
export const OBJECTS = {
  extension: EXTENSION,
  publication: PUBLICATION,
  server: SERVER,
  enum: ENUM,
  domain: DOMAIN,
  check: CHECK,
  composite: COMPOSITE,
  attribute: ATTRIBUTE,
  range: RANGE,
  function: FUNCTION,
  sequence: SEQUENCE,
}
