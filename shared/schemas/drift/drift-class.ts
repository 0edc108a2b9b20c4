/**
 * Classifies a change: how severe it is for users of the datasource, and why, in one line.
 *
 * Users are assumed to read by name, insert by name, and rely on keys, policies and permissions. The tables are total
 * by type: a new property of a snapshot does not compile without a rule.
 */

import { COLUMN, newColumn } from '#shared/schemas/drift/rules/drift-column.ts'
import { LOST_FUNCTION } from '#shared/schemas/drift/rules/drift-function.ts'
import * as objects from '#shared/schemas/drift/rules/drift-object.ts'
import { LOST_OTHER, NEW_OTHER, OTHER } from '#shared/schemas/drift/rules/drift-other.ts'
import { CONSTRAINT, INDEX, LOST_PART, NEW_PART, POLICY } from '#shared/schemas/drift/rules/drift-part.ts'
import { GONE, REMARK } from '#shared/schemas/drift/rules/drift-property.ts'
import {
  LOST_RELATION,
  LOST_TRAIT,
  NEW_TRAIT,
  PARTITION,
  PUBLISHED,
  RELATION,
  RULE,
  TRIGGER,
} from '#shared/schemas/drift/rules/drift-relation.ts'
import type { SchemaSnapshot } from '#shared/schemas/snapshot.ts'
import type { ObjectKind } from '#shared/schemas/snapshot-parts.ts'
import {
  breaking,
  type ChangeVerdict,
  type Draft,
  type DriftRule,
  type Rules,
  risky,
  verdictOf,
} from './drift-verdict.ts'

const { NEW, LOST_TYPE } = objects

type SchemaLists = 'relations' | 'enums' | 'domains' | 'sequences' | 'composites' | 'ranges' | 'functions' | 'others'
const SCHEMA: Rules<SchemaSnapshot, SchemaLists> = {
  comment: REMARK,
  extension: risky('the schema belongs to an extension, or no longer does'),
}

const ADDED: Readonly<Record<ObjectKind, DriftRule>> = {
  snapshot: NEW,
  extension: NEW,
  publication: NEW,
  server: NEW,
  schema: NEW,
  relation: NEW,
  column: newColumn,
  ...NEW_PART,
  ...NEW_TRAIT,
  enum: NEW,
  domain: NEW,
  check: objects.NEW_CHECK,
  composite: NEW,
  attribute: risky('values are written with one more field'),
  range: NEW,
  function: NEW,
  sequence: NEW,
  other: NEW_OTHER,
}

const REMOVED: Readonly<Record<ObjectKind, DriftRule>> = {
  snapshot: GONE,
  extension: breaking('its functions and types are gone'),
  publication: breaking('replication through it fails'),
  server: GONE,
  schema: GONE,
  relation: LOST_RELATION,
  column: breaking('queries that name the column fail'),
  ...LOST_PART,
  ...LOST_TRAIT,
  enum: LOST_TYPE,
  domain: LOST_TYPE,
  check: objects.LOST_CHECK,
  composite: LOST_TYPE,
  attribute: breaking('queries that name the field fail'),
  range: LOST_TYPE,
  function: LOST_FUNCTION,
  sequence: objects.LOST_SEQUENCE,
  other: LOST_OTHER,
}

const CHANGED: Readonly<Record<ObjectKind, Readonly<Record<string, DriftRule>>>> = {
  snapshot: {},
  ...objects.OBJECTS,
  schema: SCHEMA,
  relation: RELATION,
  column: COLUMN,
  constraint: CONSTRAINT,
  index: INDEX,
  policy: POLICY,
  trigger: TRIGGER,
  rule: RULE,
  published: PUBLISHED,
  partition: PARTITION,
  other: OTHER,
}

/**
 * Returns the class of a change and its reason. A property without a rule, such as one of a later version, is `risky`.
 */
export function judge(draft: Draft): ChangeVerdict {
  if (draft.kind === 'added') return verdictOf(ADDED[draft.object], draft)
  if (draft.kind === 'removed') return verdictOf(REMOVED[draft.object], draft)
  return verdictOf(CHANGED[draft.object][draft.what ?? ''] ?? risky('it changed'), draft)
}
