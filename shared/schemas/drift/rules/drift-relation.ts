/**
 * The rules of drift for tables and views as a whole, and for what few of them have: triggers, rules, partitions and their
 * places in publications.
 *
 * Only `drift-class.ts` reads them.
 */

import { relationKey } from '#shared/schemas/drift/drift-partition.ts'
import { isHidden } from '#shared/schemas/drift/drift-row-security.ts'
import { textWithoutName } from '#shared/schemas/drift/drift-same.ts'
import {
  breaking,
  type ChangeVerdict,
  type Draft,
  type DriftRule,
  MAYBE_RESPELLED,
  type Rules,
  risky,
  safe,
  spellingRule,
  whether,
} from '#shared/schemas/drift/drift-verdict.ts'
import { jsonText } from '#shared/schemas/snapshot-canonical.ts'
import { nodesIn } from '#shared/schemas/snapshot-parts.ts'
import type {
  OwnPart,
  Partition,
  Published,
  Relation,
  Rule as RewriteRule,
  Trigger,
} from '#shared/schemas/snapshot-relation.ts'
import { RELATION_PERMISSIONS } from './drift-permissions.ts'
import { GONE, REMARK } from './drift-property.ts'

type Lists = 'columns' | 'constraints' | 'indexes' | 'policies' | 'triggers' | 'rules' | 'published' | 'partitions'

// A view sees with the eyes of its owner, whom row-level security may not bind, or of who asks (PostgreSQL 15 and later).
const VIEW_OPTIONS: DriftRule = ({ before, after }) => {
  const [was, is] = [before, after].map(options => /security_invoker=(t|y|on|1)/i.test(String(options)))
  if (was === is) return risky('the view hides or refuses rows otherwise')
  return was
    ? breaking('the view sees with the eyes of its owner: row security may be passed by')
    : risky('the view sees with the eyes of who asks: rows may be hidden or refused')
}

const IDENTITY = risky('updates and deletes are replicated with other old values')

/** Rules of the properties of a relation, the order of its columns included. */
export const RELATION: Rules<Relation, Lists> & { readonly 'column order': DriftRule } = {
  kind: ({ before, after }) =>
    before === 'table' && after === 'partitioned_table'
      ? risky('the table is now partitioned')
      : breaking('the name now means another kind of relation'),
  comment: REMARK,
  rowSecurity: whether({
    gained: ({ is }) =>
      isHidden(is ?? {})
        ? breaking('row-level security is on, and no policy lets a row through')
        : risky('row-level security is on: rows may be hidden or refused'),
    lost: breaking('row-level security is off: no policy holds any longer'),
  }),
  rowSecurityForced: whether({
    gained: safe('policies now bind the owner too'),
    lost: risky('row-level security is no longer forced: policies do not bind the owner'),
  }),
  partitionKey: spellingRule(risky('the table is partitioned otherwise')),
  server: risky('the rows come from another server'),
  definition: spellingRule(risky('the view is another query')),
  options: VIEW_OPTIONS,
  may: RELATION_PERMISSIONS,
  unlogged: whether({
    gained: risky('the rows are lost in a crash, and are not replicated'),
    lost: safe('the rows outlive a crash'),
  }),
  replicaIdentity: ({ after, is }) =>
    after === 'nothing' && nodesIn(is ?? {}, 'published').length > 0
      ? breaking('the table is published without an identity: updates and deletes fail')
      : IDENTITY,
  replicaIndex: IDENTITY,
  inherits: risky('its rows are read with those of other tables, or no longer are'),
  partitionOf: risky('its rows are read with those of another table, or no longer are'),
  bound: risky('rows that were accepted may be refused'),
  serverOptions: risky('the rows come from elsewhere on the foreign server'),
  ofType: risky('a change of its type is one of the table, or no longer is'),
  storage: safe('the rows are kept otherwise'),
  'column order': risky('"select *" and inserts that name no columns meet another order'),
}

/** A relation that is no longer listed by itself. Partitions are listed with their table. */
export const LOST_RELATION: DriftRule = ({ path, was, compared }) => {
  const [schema = '', name = ''] = path
  if (!compared.partitions.is().has(relationKey(schema, name))) return GONE
  return was?.['partitionOf'] === undefined
    ? risky('it is a partition of another table: its rows are read with those of that table')
    : safe('it is there, and told with the table that it is a partition of')
}

const isView = ({ within: { was } }: Draft) => was['kind'] === 'view'
const VIEW_UNWRITABLE = breaking('the view may no longer be written')

/** The verdict on a trigger or rule that has only another name; null for any other. */
function renamed(list: string, { kind, was, is, within: { parts } }: Draft): ChangeVerdict | null {
  const isGone = kind === 'removed'
  const [node, others] = isGone ? [was, parts.is] : [is, parts.was]
  if (!others().has(`${list} ${textWithoutName(node ?? {})}`)) return null
  return isGone ? safe('the same is there under another name') : safe('the same was there under another name')
}

// Writes to a view are what its rules and triggers make of them.
const lostTrigger: DriftRule = draft => {
  if (draft.was?.['enabled'] === 'disabled') return safe('it was disabled')
  const other = isView(draft) ? VIEW_UNWRITABLE : risky('what it did to writes is no longer done')
  return renamed('triggers', draft) ?? other
}

const newTrigger: DriftRule = draft => {
  if (draft.is?.['enabled'] === 'disabled') return safe('it is disabled')
  return renamed('triggers', draft) ?? risky('writes may be changed, refused or followed by others')
}

const lostRule: DriftRule = draft => {
  if (draft.was?.['enabled'] === 'disabled') return safe('it was disabled')
  const other = isView(draft) ? VIEW_UNWRITABLE : risky('reads or writes are no longer rewritten')
  return renamed('rules', draft) ?? other
}

const newRule: DriftRule = draft => {
  if (draft.is?.['enabled'] === 'disabled') return safe('it is disabled')
  return renamed('rules', draft) ?? risky('reads or writes may be rewritten')
}

const lostPartition: DriftRule = ({ was, within }) => {
  if (within.parts.is().has(`partitions ${textWithoutName(was ?? {})}`))
    return risky('another table has taken its place: its rows may be others')
  if (nodesIn(within.is, 'partitions').length === 0)
    return breaking('it was the only partition: its rows are gone, and inserts fail')
  return was?.['bound'] === 'DEFAULT'
    ? breaking('the default partition is gone: its rows are gone, and inserts that fit no other fail')
    : risky('its rows are gone, and inserts of such rows may fail')
}

/** The verdict on an added part of a relation. */
export const NEW_TRAIT = {
  trigger: newTrigger,
  rule: newRule,
  published: safe('its changes are published'),
  partition: safe('more rows are accepted'),
}

/** The verdict on a removed part of a relation. */
export const LOST_TRAIT = {
  trigger: lostTrigger,
  rule: lostRule,
  published: risky('its changes are no longer published'),
  partition: lostPartition,
}

const OTHER_TRIGGER = risky('it does something else to writes, or to others')

/** Rules of the properties of a trigger. */
export const TRIGGER: Rules<Trigger> = {
  timing: OTHER_TRIGGER,
  events: OTHER_TRIGGER,
  columns: OTHER_TRIGGER,
  forEachRow: OTHER_TRIGGER,
  function: OTHER_TRIGGER,
  constraint: risky('it fires at another time'),
  hash: ({ compared }) =>
    compared.isOtherMajor
      ? risky('the server has another major version, which may spell the same otherwise')
      : OTHER_TRIGGER,
  enabled: risky('it fires in other sessions, or in none'),
  comment: REMARK,
}

/** Rules of the properties of a rewrite rule. */
export const RULE: Rules<RewriteRule> = {
  event: risky('other statements are rewritten'),
  instead: risky('statements are rewritten otherwise'),
  enabled: risky('it holds in other sessions, or in none'),
  definition: spellingRule(risky('statements are rewritten otherwise')),
  comment: REMARK,
}

/** Rules of what a publication publishes of a table. */
export const PUBLISHED: Rules<Published> = {
  columns: risky('other columns are published'),
  filter: spellingRule(risky('other rows are published')),
}

/** The parts that only remark or say how rows are kept. */
const HARMLESS: readonly unknown[] = ['comment', 'storage']

/** The others, as a text. */
function ownParts(value: unknown): string {
  // Sound: the shape of a partition's own parts.
  const parts = (value ?? []) as readonly OwnPart[]
  return jsonText(parts.filter(({ kind }) => !HARMLESS.includes(kind)))
}

const OWN_PARTS: DriftRule = ({ before, after, compared }) => {
  if (ownParts(before) === ownParts(after)) return safe('only comments or settings of its storage changed')
  return compared.isOtherMajor ? MAYBE_RESPELLED : risky('it has other keys, indexes, defaults or triggers of its own')
}

/** Rules of the properties of a partition. */
export const PARTITION: Rules<Partition> = {
  of: safe('the same rows are elsewhere in the tree of partitions'),
  bound: risky('it takes other rows'),
  partitionKey: safe('its rows are partitioned otherwise'),
  unlogged: risky('its rows outlive a crash, or no longer do'),
  server: risky('its rows come from another server'),
  options: risky('its rows come from elsewhere on the foreign server'),
  own: OWN_PARTS,
}
