/**
 * The drift rules for the parts of a relation other than columns: constraints, indexes and policies.
 *
 * Only `drift-class.ts` uses them.
 */

import { nullCheck } from '#shared/schemas/drift/drift-check.ts'
import { isReplaced } from '#shared/schemas/drift/drift-key.ts'
import { textWithoutName } from '#shared/schemas/drift/drift-same.ts'
import {
  breaking,
  type ChangeVerdict,
  type Draft,
  type DriftRule,
  type Rules,
  risky,
  safe,
  spellingRule,
  verdictOf,
  whether,
} from '#shared/schemas/drift/drift-verdict.ts'
import type { Node } from '#shared/schemas/snapshot-parts.ts'
import type { Constraint, Index, Policy } from '#shared/schemas/snapshot-relation.ts'
import { isFilled, NULL_REFUSED, NULL_WAS_REFUSED } from './drift-column.ts'
import { isValidated, REMARK, textsIn, UNVALIDATED, VALIDATED } from './drift-property.ts'

const KEYS: readonly unknown[] = ['primary_key', 'unique']

const REPLACED = risky('another key covers the same columns: only references to this one by name fail')
const SAME_KEY = safe('the same key existed under another name')
const STILL_THERE = safe('the same object exists under another name')
const WAS_THERE = safe('the same object existed under another name')

/** Wraps a rule for added or removed objects: an object that exists under another name on the other side is safe. */
function renamed(list: string, verdict: DriftRule): DriftRule {
  return draft => {
    const [node, parts] =
      draft.kind === 'removed' ? [draft.was, draft.within.parts.is] : [draft.is, draft.within.parts.was]
    const isThere = node !== undefined && parts().has(`${list} ${textWithoutName(node)}`)
    if (isThere) return draft.kind === 'removed' ? STILL_THERE : WAS_THERE
    return verdictOf(verdict, draft)
  }
}

/** `on conflict on constraint` names a key, so a key is classified by its own rule even if only its name changed. */
function exceptKeys(rule: DriftRule, ofKeys: DriftRule): DriftRule {
  return draft => verdictOf(KEYS.includes((draft.was ?? draft.is)?.['kind']) ? ofKeys : rule, draft)
}

// `on conflict` and foreign keys depend on a key; other constraints only promise something about the data.
const lostConstraint: DriftRule = draft => {
  const { was, within } = draft
  if (KEYS.includes(was?.['kind'])) {
    if (isReplaced(was, within.keys.is())) return REPLACED
    return breaking('a key is gone: duplicates are possible, and "on conflict" on it fails')
  }
  const refused = nullCheck(was?.['definition'])
  const isKept = (name: string) => {
    const column = within.columns.is().get(name)
    return column?.['notNull'] || column?.['notNullUnvalidated'] || within.required.is().has(name)
  }
  if (was?.['kind'] === 'check' && refused.isPure && refused.columns.every(isKept)) return NULL_WAS_REFUSED
  return risky('the guarantee of the constraint is gone')
}

// A unique index is also a key.
const lostIndex: DriftRule = ({ was, within }) => {
  if (!was?.['unique']) return risky('queries that used the index are slower')
  if (isReplaced(was, within.keys.is())) return REPLACED
  return breaking('a unique index is gone: duplicates are possible, and "on conflict" on it fails')
}

const STRICTER = risky('writes that were accepted may be refused')
const ABOUT_NEW = safe('it only concerns new columns, which inserts may omit')
/** Expressions that can be false although the columns in them are null. */
const NULL_MATTERS = /\b(?:IS NOT NULL|IS (?:NOT )?DISTINCT|num_nonnulls|num_nulls|COALESCE)\b/i

const newConstraint: DriftRule = ({ is, within }) => {
  if (isReplaced(is, within.keys.was())) return SAME_KEY
  const refused = is?.['kind'] === 'check' ? nullCheck(is['definition']) : null
  if (refused !== null && refused.columns.length > 0) {
    if (refused.columns.some(name => meetsNull(name, within))) return NULL_REFUSED
    if (refused.isPure) return NULL_WAS_REFUSED
  }
  return isAboutNew(is, within) ? ABOUT_NEW : STRICTER
}

/** True if existing writers may leave a column null: it accepted null before, or it is new and has no default. */
function meetsNull(name: string, { columns, required }: Draft['within']): boolean {
  const was = columns.was().get(name)
  if (was === undefined) return !isFilled(columns.is().get(name))
  return !was['notNull'] && !was['notNullUnvalidated'] && !required.was().has(name)
}

/** True for a constraint over new columns only, which writers that do not know them satisfy by leaving them null. */
function isAboutNew(node: Node | undefined, within: Draft['within']): boolean {
  const names = textsIn(node?.['columns'])
  const definition = String(node?.['definition'] ?? '')
  if (names.length === 0 || names.some(name => within.columns.was().has(name))) return false
  if (node?.['kind'] === 'check') return !NULL_MATTERS.test(definition)
  if (node?.['kind'] === 'foreign_key') return true
  return names.every(name => repeatsNothing(within.columns.is().get(name))) && !/NULLS NOT DISTINCT/.test(definition)
}

const DRAWN = ['gen_random_uuid()', 'uuid_generate_v1()', 'uuid_generate_v4()', 'uuidv4()', 'uuidv7()']

/** True if two rows never get the same default: null, or a generated number. A constant would repeat. */
function repeatsNothing(column: Node | undefined): boolean {
  const text = String(column?.['default'] ?? '')
  if (column?.['identity'] !== undefined) return true
  if (DRAWN.some(end => text.endsWith(end)) || text.startsWith('nextval(')) return true
  return text === '' && column?.['generated'] === undefined
}

const newIndex: DriftRule = ({ is, within }) => {
  if (isReplaced(is, within.keys.was())) return SAME_KEY
  if (!is?.['unique']) return safe('a new index')
  return isAboutNew(indexed(is, within), within) ? ABOUT_NEW : risky('writes that repeat a value are refused')
}

/** Describes a unique index like a constraint, with the columns that it mentions. */
function indexed(index: Node, { columns }: Draft['within']): Node {
  const definition = String(index['definition'])
  const words = new Set(definition.slice(definition.indexOf(' USING ')).match(/"(?:[^"]|"")+"|[A-Za-z_][\w$]*/g) ?? [])
  const isMentioned = (name: string) => words.has(name) || words.has(`"${name.replaceAll('"', '""')}"`)
  return { kind: 'unique', definition, columns: [...columns.is().keys()].filter(isMentioned) }
}

// Removing a restrictive policy exposes rows; removing a permissive one hides them.
const lostPolicy: DriftRule = ({ was, within }) => {
  if (was?.['restrictive']) return breaking('rows that the policy hid are accessible')
  return within.hidden.is() && !within.hidden.was()
    ? breaking('it was the last policy that let rows through')
    : risky('rows that the policy let through are refused')
}

const newPolicy: DriftRule = ({ is }) =>
  is?.['restrictive'] ? risky('rows may be refused') : risky('rows that were refused may be let through')

/** The rules for an addition inside a relation. */
export const NEW_PART = {
  constraint: renamed('constraints', newConstraint),
  index: renamed('indexes', newIndex),
  policy: renamed('policies', newPolicy),
}

/** The rules for a removal inside a relation. */
export const LOST_PART = {
  constraint: exceptKeys(renamed('constraints', lostConstraint), lostConstraint),
  index: renamed('indexes', lostIndex),
  policy: renamed('policies', lostPolicy),
}

const otherCheck = (draft: Draft): ChangeVerdict => {
  const { before, after, was, within } = draft
  if (isValidated(before, after)) return VALIDATED
  if (isValidated(after, before)) return UNVALIDATED
  const refused = was?.['kind'] === 'check' ? nullCheck(after).columns : []
  return refused.some(name => meetsNull(name, within)) ? NULL_REFUSED : STRICTER
}

const INHERITED = risky('it comes from another table, or no longer does')

/** Rules of the properties of a constraint. */
export const CONSTRAINT: Rules<Constraint> = {
  kind: breaking('the name now means another kind of constraint'),
  columns: ({ was }) =>
    KEYS.includes(was?.['kind'])
      ? breaking('the key covers other columns: "on conflict" on the old ones fails')
      : STRICTER,
  references: risky('it has another target, or another action on update or delete'),
  definition: draft => {
    const verdict = otherCheck(draft)
    return verdict === STRICTER ? verdictOf(spellingRule(STRICTER), draft) : verdict
  },
  comment: REMARK,
  inherited: INHERITED,
}

/** Rules of the properties of an index. */
export const INDEX: Rules<Index> = {
  definition: spellingRule(risky('queries that used the index may be slower')),
  unique: whether({
    gained: risky('writes that repeat a value are refused'),
    lost: breaking('the index is no longer unique: duplicates are possible'),
  }),
  invalid: whether({ gained: risky('the index is not usable'), lost: safe('the index is usable') }),
  comment: REMARK,
  inherited: INHERITED,
}

/** Rules of the properties of a policy. */
export const POLICY: Rules<Policy> = {
  command: ({ within }) => hidden(within) ?? risky('the policy applies to other commands'),
  restrictive: whether({
    gained: ({ within }) => hidden(within) ?? risky('rows that the policy let through may be refused'),
    lost: breaking('the policy now lets rows through that it hid'),
  }),
  roles: risky('the policy applies to other roles'),
  using: spellingRule(risky('different rows are visible')),
  check: spellingRule(risky('different rows are accepted')),
  comment: REMARK,
}

function hidden({ hidden: { was, is } }: Draft['within']): ChangeVerdict | null {
  return is() && !was() ? breaking('no policy lets a row through any longer') : null
}
