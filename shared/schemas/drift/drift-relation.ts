/**
 * The rules of drift for tables and views and for everything inside them.
 *
 * Only `drift-class.ts` reads them.
 */

import type { Column, Constraint, Index, Policy, Relation } from '#shared/schemas/snapshot.ts'
import { isReplaced } from './drift-key.ts'
import { COLLATION, COLUMN_PERMISSIONS, NOT_NULL, RELATION_PERMISSIONS, REMARK, TYPE } from './drift-property.ts'
import { breaking, type Draft, type Rule, type Rules, risky, safe, type Verdict, whether } from './drift-verdict.ts'

const KEYS: readonly unknown[] = ['primary_key', 'unique']

const isFilled = (column: Draft['is']): boolean =>
  ['default', 'identity', 'generated'].some(property => column?.[property] !== undefined)

// A new column breaks inserts that cannot know it, when it must have a value and makes none.
const newColumn: Rule = ({ is }) =>
  is?.['notNull'] && !isFilled(is)
    ? breaking('a required column without default: inserts that do not name it fail')
    : safe('a new column that inserts may leave out')

const REPLACED = risky('another key is over the same columns: only what names this one fails')

// A key is what `on conflict` and foreign keys stand on; other constraints only promise.
const lostConstraint: Rule = ({ was, within }) => {
  if (!KEYS.includes(was?.['kind'])) return risky('what the constraint promised no longer holds')
  if (isReplaced(was, within.keys.is())) return REPLACED
  return breaking('a key is gone: rows may repeat, and "on conflict" on it fails')
}

// A unique index is a key too.
const lostIndex: Rule = ({ was, within }) => {
  if (!was?.['unique']) return risky('queries that used the index are slower')
  if (isReplaced(was, within.keys.is())) return REPLACED
  return breaking('a unique index is gone: rows may repeat, and "on conflict" on it fails')
}

const NOT_VALID = ' NOT VALID'

// A constraint that its columns say whole has no definition.
const isValidated = (before: unknown, after: unknown): boolean =>
  String(before).endsWith(NOT_VALID) && (after === undefined || before === `${String(after)}${NOT_VALID}`)

const SAME_KEY = safe('the same key was there under another name')

const newConstraint: Rule = ({ is, within }) =>
  isReplaced(is, within.keys.was()) ? SAME_KEY : risky('writes that were accepted may be refused')

const newIndex: Rule = ({ is, within }) => {
  if (isReplaced(is, within.keys.was())) return SAME_KEY
  return is?.['unique'] ? risky('writes that repeat a value are refused') : safe('a new index')
}

// A policy gone opens rows when it was restrictive, and closes them when it was permissive.
const lostPolicy: Rule = ({ was }) =>
  was?.['restrictive']
    ? breaking('rows that the policy kept back are open')
    : risky('rows that the policy let through are refused')

const newPolicy: Rule = ({ is }) =>
  is?.['restrictive'] ? risky('rows may be refused') : risky('rows that were refused may be let through')

// A view sees with the eyes of its owner, whom row-level security may not bind, or of who asks (PostgreSQL 15 and later).
const VIEW_OPTIONS: Rule = ({ before, after }) => {
  const [was, is] = [before, after].map(options => /security_invoker=(t|y|on|1)/i.test(String(options)))
  if (was === is) return risky('the view hides or refuses rows otherwise')
  return was
    ? breaking('the view sees with the eyes of its owner: row security may be passed by')
    : risky('the view sees with the eyes of who asks: rows may be hidden or refused')
}

const lostDefault = ({ is }: Draft): Verdict => {
  if (isFilled(is)) return risky('inserts that leave the column out get another value')
  return is?.['notNull']
    ? breaking('inserts that leave the column out fail')
    : risky('inserts that leave the column out now get null')
}

/** What it means that something inside a relation is new. */
export const NEW_PART = {
  column: newColumn,
  constraint: newConstraint,
  index: newIndex,
  policy: newPolicy,
}

/** What it means that something inside a relation is gone. */
export const LOST_PART = {
  column: breaking('queries that name the column fail'),
  constraint: lostConstraint,
  index: lostIndex,
  policy: lostPolicy,
}

/** Rules of the properties of a column. */
export const COLUMN: Rules<Column> = {
  type: TYPE,
  notNull: NOT_NULL,
  default: whether({
    gained: safe('inserts may now leave the column out'),
    lost: lostDefault,
    altered: risky('inserts that leave the column out get another value'),
  }),
  identity: whether({
    gained: ({ after }) =>
      after === 'always' ? breaking('inserts that give the column a value fail') : safe('the server makes the value'),
    lost: lostDefault,
    altered: ({ after }) =>
      after === 'always' ? breaking('inserts that give the column a value fail') : safe('inserts may give a value'),
  }),
  generated: whether({
    gained: breaking('the column can no longer be written'),
    lost: risky('the column is no longer computed'),
    altered: risky('the column is computed otherwise'),
  }),
  virtual: safe('the column is computed at another time'),
  collation: COLLATION,
  comment: REMARK,
  may: COLUMN_PERMISSIONS,
}

/** Rules of the properties of a relation, the order of its columns included. */
export const RELATION: Rules<Relation, 'columns' | 'constraints' | 'indexes' | 'policies'> & {
  readonly 'column order': Rule
} = {
  kind: ({ before, after }) =>
    before === 'table' && after === 'partitioned_table'
      ? risky('the table is now partitioned')
      : breaking('the name now stands for another kind of relation'),
  comment: REMARK,
  rowSecurity: whether({
    gained: risky('row-level security is on: rows may be hidden or refused'),
    lost: breaking('row-level security is off: no policy holds any longer'),
  }),
  rowSecurityForced: whether({
    gained: safe('policies now bind the owner too'),
    lost: risky('row-level security is no longer forced: policies do not bind the owner'),
  }),
  partitionKey: risky('the table is partitioned otherwise'),
  server: risky('the rows come from another server'),
  definition: risky('the view is another query'),
  options: VIEW_OPTIONS,
  may: RELATION_PERMISSIONS,
  'column order': risky('"select *" and inserts that name no columns meet another order'),
}

/** Rules of the properties of a constraint. */
export const CONSTRAINT: Rules<Constraint> = {
  kind: breaking('the name now stands for another kind of constraint'),
  columns: ({ was }) =>
    KEYS.includes(was?.['kind'])
      ? breaking('the key is over other columns: "on conflict" on the old ones fails')
      : risky('writes that were accepted may be refused'),
  references: risky('it refers elsewhere, or acts otherwise on update or delete'),
  definition: ({ before, after }) => {
    if (isValidated(before, after)) return safe('it holds for the rows that were there before it, too')
    if (isValidated(after, before)) return risky('it may not hold for rows that were there before it')
    return risky('writes that were accepted may be refused')
  },
}

/** Rules of the properties of an index. */
export const INDEX: Rules<Index> = {
  definition: risky('queries that used the index may be slower'),
  unique: whether({
    gained: risky('writes that repeat a value are refused'),
    lost: breaking('the index is no longer unique: rows may repeat'),
  }),
  invalid: whether({ gained: risky('the index is not usable'), lost: safe('the index is usable') }),
}

/** Rules of the properties of a policy. */
export const POLICY: Rules<Policy> = {
  command: risky('the policy holds for other commands'),
  restrictive: whether({
    gained: risky('rows that the policy let through may be refused'),
    lost: breaking('the policy now lets rows through that it kept back'),
  }),
  roles: risky('the policy holds for other roles'),
  using: risky('other rows are seen'),
  check: risky('other rows are accepted'),
}
