/**
 * The rules of drift for what is inside a relation beside its columns: constraints, indexes and policies.
 *
 * Only `drift-class.ts` reads them.
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

const REPLACED = risky('another key is over the same columns: only what names this one fails')
const SAME_KEY = safe('the same key was there under another name')
const STILL_THERE = safe('the same is there under another name')
const WAS_THERE = safe('the same was there under another name')

/** Removed objects, without those that live on under another name. */
function renamed(list: string, verdict: DriftRule): DriftRule {
  return draft => {
    const [node, parts] =
      draft.kind === 'removed' ? [draft.was, draft.within.parts.is] : [draft.is, draft.within.parts.was]
    const isThere = node !== undefined && parts().has(`${list} ${textWithoutName(node)}`)
    if (isThere) return draft.kind === 'removed' ? STILL_THERE : WAS_THERE
    return verdictOf(verdict, draft)
  }
}

/** A key's name is in `on conflict on constraint`: it is judged by what it is. */
function exceptKeys(rule: DriftRule, ofKeys: DriftRule): DriftRule {
  return draft => verdictOf(KEYS.includes((draft.was ?? draft.is)?.['kind']) ? ofKeys : rule, draft)
}

// A key is what `on conflict` and foreign keys rest on; other constraints only promise.
const lostConstraint: DriftRule = draft => {
  const { was, within } = draft
  if (KEYS.includes(was?.['kind'])) {
    if (isReplaced(was, within.keys.is())) return REPLACED
    return breaking('a key is gone: rows may repeat, and "on conflict" on it fails')
  }
  const refused = nullCheck(was?.['definition'])
  const isKept = (name: string) => {
    const column = within.columns.is().get(name)
    return column?.['notNull'] || column?.['notNullUnvalidated'] || within.required.is().has(name)
  }
  if (was?.['kind'] === 'check' && refused.isPure && refused.columns.every(isKept)) return NULL_WAS_REFUSED
  return risky('what the constraint promised no longer holds')
}

// A unique index is a key too.
const lostIndex: DriftRule = ({ was, within }) => {
  if (!was?.['unique']) return risky('queries that used the index are slower')
  if (isReplaced(was, within.keys.is())) return REPLACED
  return breaking('a unique index is gone: rows may repeat, and "on conflict" on it fails')
}

const STRICTER = risky('writes that were accepted may be refused')
const ABOUT_NEW = safe('it is about new columns alone, which inserts may leave out')
/** Expressions that are false though the columns in them are null. */
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

/** True when those who wrote before may leave a column null: it took null, or it is new and nothing fills it. */
function meetsNull(name: string, { columns, required }: Draft['within']): boolean {
  const was = columns.was().get(name)
  if (was === undefined) return !isFilled(columns.is().get(name))
  return !was['notNull'] && !was['notNullUnvalidated'] && !required.was().has(name)
}

/** True for a constraint whose columns are all new, and which those who do not know them pass by leaving them null. */
function isAboutNew(node: Node | undefined, within: Draft['within']): boolean {
  const names = textsIn(node?.['columns'])
  const definition = String(node?.['definition'] ?? '')
  if (names.length === 0 || names.some(name => within.columns.was().has(name))) return false
  if (node?.['kind'] === 'check') return !NULL_MATTERS.test(definition)
  if (node?.['kind'] === 'foreign_key') return true
  return names.every(name => repeatsNothing(within.columns.is().get(name))) && !/NULLS NOT DISTINCT/.test(definition)
}

const DRAWN = ['gen_random_uuid()', 'uuid_generate_v1()', 'uuid_generate_v4()', 'uuidv4()', 'uuidv7()']

/** Null, or a number that is drawn: two rows never have the same. A constant would repeat. */
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

/** The columns that a unique index mentions, as those of a constraint. */
function indexed(index: Node, { columns }: Draft['within']): Node {
  const definition = String(index['definition'])
  const words = new Set(definition.slice(definition.indexOf(' USING ')).match(/"(?:[^"]|"")+"|[A-Za-z_][\w$]*/g) ?? [])
  const isMentioned = (name: string) => words.has(name) || words.has(`"${name.replaceAll('"', '""')}"`)
  return { kind: 'unique', definition, columns: [...columns.is().keys()].filter(isMentioned) }
}

// A policy gone opens rows when it was restrictive, and closes them when it was permissive.
const lostPolicy: DriftRule = ({ was, within }) => {
  if (was?.['restrictive']) return breaking('rows that the policy kept back are open')
  return within.hidden.is() && !within.hidden.was()
    ? breaking('it was the last policy that let rows through')
    : risky('rows that the policy let through are refused')
}

const newPolicy: DriftRule = ({ is }) =>
  is?.['restrictive'] ? risky('rows may be refused') : risky('rows that were refused may be let through')

/** The verdict on an addition inside a relation. */
export const NEW_PART = {
  constraint: renamed('constraints', newConstraint),
  index: renamed('indexes', newIndex),
  policy: renamed('policies', newPolicy),
}

/** The verdict on a removal inside a relation. */
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
      ? breaking('the key is over other columns: "on conflict" on the old ones fails')
      : STRICTER,
  references: risky('it refers elsewhere, or acts otherwise on update or delete'),
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
    lost: breaking('the index is no longer unique: rows may repeat'),
  }),
  invalid: whether({ gained: risky('the index is not usable'), lost: safe('the index is usable') }),
  comment: REMARK,
  inherited: INHERITED,
}

/** Rules of the properties of a policy. */
export const POLICY: Rules<Policy> = {
  command: ({ within }) => hidden(within) ?? risky('the policy holds for other commands'),
  restrictive: whether({
    gained: ({ within }) => hidden(within) ?? risky('rows that the policy let through may be refused'),
    lost: breaking('the policy now lets rows through that it kept back'),
  }),
  roles: risky('the policy holds for other roles'),
  using: spellingRule(risky('other rows are seen')),
  check: spellingRule(risky('other rows are accepted')),
  comment: REMARK,
}

function hidden({ hidden: { was, is } }: Draft['within']): ChangeVerdict | null {
  return is() && !was() ? breaking('no policy lets a row through any longer') : null
}
