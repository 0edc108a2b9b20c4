/**
 * The drift rules for tables and views as a whole, and for their less common parts: triggers, rules, partitions, and
 * membership in publications.
 *
 * Only `drift-class.ts` uses them.
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

// A view runs with the rights of its owner, who may bypass row-level security, or of its caller (PostgreSQL 15 and
// later).
const VIEW_OPTIONS: DriftRule = ({ before, after }) => {
  const [was, is] = [before, after].map(options => /security_invoker=(t|y|on|1)/i.test(String(options)))
  if (was === is) return risky('the view hides or refuses rows differently')
  return was
    ? breaking('the view runs with the rights of its owner: row security may be bypassed')
    : risky('the view runs with the rights of its caller: rows may be hidden or refused')
}

const IDENTITY = risky('updates and deletes are replicated with other old values')

/** The rules for the properties of a relation, including the order of its columns. */
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
    lost: breaking('row-level security is off: no policy applies any longer'),
  }),
  rowSecurityForced: whether({
    gained: ({ is }) => {
      if (!is?.['rowSecurity']) return safe('row-level security is off, so that no policy applies')
      return isHidden(is)
        ? breaking('policies now apply to the owner too, and none lets a row through')
        : risky('policies now apply to the owner too: rows may be hidden or refused')
    },
    lost: risky('row-level security is no longer forced: policies do not apply to the owner'),
  }),
  partitionKey: spellingRule(risky('the table is partitioned differently')),
  server: risky('the rows come from another server'),
  definition: spellingRule(risky('the view has a different query')),
  options: VIEW_OPTIONS,
  may: RELATION_PERMISSIONS,
  unlogged: whether({
    gained: risky('the rows are lost in a crash, and are not replicated'),
    lost: safe('the rows survive a crash'),
  }),
  replicaIdentity: ({ after, is }) =>
    after === 'nothing' && nodesIn(is ?? {}, 'published').length > 0
      ? breaking('the table is published without an identity: updates and deletes fail')
      : IDENTITY,
  replicaIndex: IDENTITY,
  inherits: risky('its rows are read with those of other tables, or no longer are'),
  partitionOf: risky('its rows are read with those of another table, or no longer are'),
  bound: risky('rows that were accepted may be refused'),
  serverOptions: risky('the rows come from another place on the foreign server'),
  ofType: risky('a change of its type changes the table, or no longer does'),
  storage: safe('the rows are stored differently'),
  'column order': risky('"select *" and inserts without column names see another order'),
}

/** The rule for a relation that is no longer listed. A partition is listed with its table. */
export const LOST_RELATION: DriftRule = ({ path, was, compared }) => {
  const [schema = '', name = ''] = path
  if (!compared.partitions.is().has(relationKey(schema, name))) return GONE
  return was?.['partitionOf'] === undefined
    ? risky('it is a partition of another table: its rows are read with those of that table')
    : safe('it still exists, and is reported with the table that it is a partition of')
}

const isView = ({ within: { was } }: Draft) => was['kind'] === 'view'
const VIEW_UNWRITABLE = breaking('the view may no longer be writable')

/** The verdict on a trigger or rule that was only renamed; null for any other. */
function renamed(list: string, { kind, was, is, within: { parts } }: Draft): ChangeVerdict | null {
  const isGone = kind === 'removed'
  const [node, others] = isGone ? [was, parts.is] : [is, parts.was]
  if (!others().has(`${list} ${textWithoutName(node ?? {})}`)) return null
  return isGone ? safe('the same object exists under another name') : safe('the same object existed under another name')
}

// Rules and triggers decide what a write to a view does.
const lostTrigger: DriftRule = draft => {
  if (draft.was?.['enabled'] === 'disabled') return safe('it was disabled')
  const other = isView(draft) ? VIEW_UNWRITABLE : risky('its effect on writes is gone')
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
    return risky('another table has taken its place: its rows may be different')
  if (nodesIn(within.is, 'partitions').length === 0)
    return breaking('it was the only partition: its rows are gone, and inserts fail')
  return was?.['bound'] === 'DEFAULT'
    ? breaking('the default partition is gone: its rows are gone, and inserts that fit no other fail')
    : risky('its rows are gone, and inserts of such rows may fail')
}

/** The rules for an added part of a relation. */
export const NEW_TRAIT = {
  trigger: newTrigger,
  rule: newRule,
  published: safe('its changes are published'),
  partition: safe('more rows are accepted'),
}

/** The rules for a removed part of a relation. */
export const LOST_TRAIT = {
  trigger: lostTrigger,
  rule: lostRule,
  published: risky('its changes are no longer published'),
  partition: lostPartition,
}

const OTHER_TRIGGER = risky('it has another effect on writes, or applies to other writes')

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
      ? risky('possibly unchanged: the two major versions of the server may format it differently')
      : OTHER_TRIGGER,
  enabled: risky('it fires in other sessions, or in none'),
  comment: REMARK,
}

/** Rules of the properties of a rewrite rule. */
export const RULE: Rules<RewriteRule> = {
  event: risky('other statements are rewritten'),
  instead: risky('statements are rewritten differently'),
  enabled: risky('it applies in other sessions, or in none'),
  definition: spellingRule(risky('statements are rewritten differently')),
  comment: REMARK,
}

/** The rules for the properties of a table in a publication. */
export const PUBLISHED: Rules<Published> = {
  columns: risky('other columns are published'),
  filter: spellingRule(risky('other rows are published')),
}

/** The parts that are comments or affect only storage. */
const HARMLESS: readonly unknown[] = ['comment', 'storage']

/** Returns all other parts as text. */
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
  of: safe('the same rows are at another place in the partition tree'),
  bound: risky('it holds different rows'),
  partitionKey: safe('its rows are partitioned differently'),
  unlogged: risky('its rows survive a crash, or no longer do'),
  server: risky('its rows come from another server'),
  options: risky('its rows come from another place on the foreign server'),
  own: OWN_PARTS,
}
