/**
 * Judges one change: how bad it is for those who use the datasource, and why, in one line.
 *
 * Who uses it is taken to read by name, to insert by name, and to rely on keys, policies and permissions. The tables are
 * total by type: a property that a snapshot gains needs a rule before it compiles.
 */

import type { Domain, Enum, Extension, SchemaSnapshot, Sequence } from '#shared/schemas/snapshot.ts'
import type { ObjectKind } from '#shared/schemas/snapshot-parts.ts'
import { COLLATION, NOT_NULL, REMARK, TYPE, textsIn } from './drift-property.ts'
import { COLUMN, CONSTRAINT, INDEX, LOST_PART, NEW_PART, POLICY, RELATION } from './drift-relation.ts'
import {
  breaking,
  type Draft,
  type Rule,
  type Rules,
  risky,
  safe,
  type Verdict,
  verdictOf,
  whether,
} from './drift-verdict.ts'

const GONE = breaking('it was dropped, or the role may no longer see it')
const NEW = safe('nothing that was there changed')
const STRICTER = risky('values that were accepted may be refused')

const LABELS: Rule = ({ before, after }) => {
  const was = textsIn(before)
  const is = textsIn(after)
  const left = new Set(is)
  if (was.some(label => !left.has(label))) return breaking('a label is gone: values with it are refused')
  return is.length > was.length
    ? risky('a new label: readers may meet a value that they do not know')
    : risky('the labels sort otherwise')
}

const SCHEMA: Rules<SchemaSnapshot, 'relations' | 'enums' | 'domains' | 'sequences'> = { comment: REMARK }
const EXTENSION: Rules<Extension> = {
  version: risky('the extension may behave otherwise'),
  schema: risky('its functions and types have moved'),
}
const ENUM: Rules<Enum> = { labels: LABELS, comment: REMARK }
const DOMAIN: Rules<Domain, 'checks'> = {
  type: TYPE,
  notNull: NOT_NULL,
  default: whether({
    gained: risky('columns left out now get a value'),
    lost: risky('columns left out now get null'),
    altered: risky('columns left out get another value'),
  }),
  collation: COLLATION,
  comment: REMARK,
}
const CHECK = { definition: STRICTER }
const numbers = risky('other numbers are drawn')
const SEQUENCE: Rules<Sequence> = {
  type: numbers,
  start: numbers,
  increment: numbers,
  min: numbers,
  max: numbers,
  cache: safe('numbers are drawn in other lots'),
  cycle: numbers,
  ownedBy: safe('it is dropped with another column'),
  comment: REMARK,
}

const ADDED: Readonly<Record<ObjectKind, Rule>> = {
  snapshot: NEW,
  extension: NEW,
  schema: NEW,
  relation: NEW,
  ...NEW_PART,
  enum: NEW,
  domain: NEW,
  check: STRICTER,
  sequence: NEW,
}

const REMOVED: Readonly<Record<ObjectKind, Rule>> = {
  snapshot: GONE,
  extension: breaking('its functions and types are gone'),
  schema: GONE,
  relation: GONE,
  ...LOST_PART,
  enum: GONE,
  domain: GONE,
  check: risky('what the constraint promised no longer holds'),
  sequence: GONE,
}

const CHANGED: Readonly<Record<ObjectKind, Readonly<Record<string, Rule>>>> = {
  snapshot: {},
  extension: EXTENSION,
  schema: SCHEMA,
  relation: RELATION,
  column: COLUMN,
  constraint: CONSTRAINT,
  index: INDEX,
  policy: POLICY,
  enum: ENUM,
  domain: DOMAIN,
  check: CHECK,
  sequence: SEQUENCE,
}

/** Gives the class of a change and its reason. A property without a rule, such as one of a later version, is `risky`. */
export function judge(draft: Draft): Verdict {
  if (draft.kind === 'added') return verdictOf(ADDED[draft.object], draft)
  if (draft.kind === 'removed') return verdictOf(REMOVED[draft.object], draft)
  return verdictOf(CHANGED[draft.object][draft.what ?? ''] ?? risky('it is not as it was'), draft)
}
