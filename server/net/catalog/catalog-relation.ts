/**
 * The relations of a catalog while it is read: the first row of each makes it, and each further one adds to it.
 *
 * It judges nothing. Only the catalog reader uses it.
 */

import type { WireConstraint, WirePart, WireRelation, WireTrait } from '#server/net/catalog/wire/catalog-shapes.ts'
import { listText, nodeText, type WrittenParts } from '#shared/schemas/snapshot-canonical.ts'
import { byCodeUnit, hasTwins, isNamedTwice } from '#shared/schemas/snapshot-parts.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'
import { addColumns, addExpression, addWeak, isSeen, namesOf, type RelationDraft } from './catalog-column.ts'
import { addNamed } from './catalog-named.ts'
import { constraintOf, indexOf, permissionsOf, policyOf } from './catalog-object.ts'
import { addTraits, identityOptionsOf, partitionOf, publishedOf, ruleOf, triggerOf } from './catalog-trait.ts'

const KINDS = { r: 'table', p: 'partitioned_table', f: 'foreign_table', v: 'view', m: 'materialized_view' } as const

/** Collects relations. */
export interface CatalogRelations {
  /** Begins a relation. */
  add(wire: WireRelation): Relation
  /** Adds to one. False when something is not there yet that the row speaks of: it is to be offered again in the end. */
  extend(part: WirePart): boolean
  /** Tells the constraints and indexes what was said of them by name. When all rows are there. */
  finish(): void
  /** The types of all columns of a schema, as they are spelled. */
  typesIn(schema: string): Iterable<string>
  /** True when two had one identifier: what belongs to which cannot be told. */
  hasTwins(): boolean
  /**
   * The canonical texts of lists and relations that had come whole while the server was still at work on others. A row that
   * changes one afterwards makes its text forgotten. In none of them are two of one name.
   */
  readonly written: WrittenParts
}

/** Begins a collection. */
export function createCatalogRelations(): CatalogRelations {
  const drafts = new Map<string, RelationDraft>()
  const spellingsBySchema = new Map<string, Map<string, string>>()
  const written: WrittenParts = new Map()
  let isTwice = false
  return {
    written,
    typesIn: schema => spellingsBySchema.get(schema)?.keys() ?? [],
    hasTwins: () => isTwice,
    finish() {
      for (const { relation, named } of drafts.values()) {
        if (named === null) continue
        for (const part of [relation, relation.constraints, relation.indexes])
          if (part !== undefined) written.delete(part)
        addNamed(relation, named)
      }
    },
    add(wire) {
      isTwice ||= drafts.has(wire.id)
      const relation = relationOf(wire)
      const { schema, may, partly } = wire
      const spellings = spellingsBySchema.get(schema) ?? new Map<string, string>()
      spellingsBySchema.set(schema, spellings)
      const known = { columns: [], described: false, generated: null, named: null }
      drafts.set(wire.id, { schema, relation, may, partly, spellings, written, ...known })
      return relation
    },
    extend(part) {
      const draft = drafts.get(part.id)
      if (!draft || (part.k !== 'columns' && !draft.described)) return false
      written.delete(draft.relation)
      if (part.k === 'constraints') return addConstraints(draft, part.constraints, drafts)
      extend(draft, part)
      return true
    },
  }
}

function relationOf(wire: WireRelation): Relation {
  const relation: Relation = { name: wire.name, kind: KINDS[wire.kind], columns: [] }
  const may = permissionsOf(wire.may)
  if (may.length > 0) relation.may = may
  if (wire.secured) relation.rowSecurity = true
  if (wire.forced) relation.rowSecurityForced = true
  if (wire.partitionKey !== null) relation.partitionKey = wire.partitionKey
  if (wire.server !== null) relation.server = wire.server
  if (wire.query !== null) relation.definition = wire.query
  if (wire.options) relation.options = wire.options.split(', ').sort(byCodeUnit).join(', ')
  return relation
}

function extend(draft: RelationDraft, part: Exclude<WirePart, { k: 'constraints' }>): void {
  const { relation, columns, written } = draft
  switch (part.k) {
    case 'columns':
      addColumns(draft, part)
      return
    case 'defaults':
      written.delete(relation.columns)
      for (const [number, text] of Object.entries(part.texts)) addExpression(draft, Number(number), text)
      return
    case 'comments':
      written.delete(relation.columns)
      for (const [number, text] of Object.entries(part.texts)) {
        const about = number === '0' ? relation : columns[Number(number)]
        if (about) about.comment = text
      }
      return
    case 'indexes': {
      const indexes = part.indexes.filter(index => isSeen(draft, index.about)).flatMap(indexOf)
      if (indexes.length === 0) return
      relation.indexes = indexes.sort(byName)
      writeWhole(draft)
      return
    }
    case 'policies':
      relation.policies = part.policies.map(policyOf)
      return
    default:
      addTrait(draft, part)
  }
}

/** Writes constraints and columns, which mostly have come by then, while the server makes the next rows. */
function writeAhead({ relation, written }: RelationDraft): void {
  const { constraints, columns } = relation
  if (constraints === undefined || isNamedTwice(constraints) || isNamedTwice(columns)) return
  written.set(constraints, listText(constraints, false))
  written.set(columns, listText(columns, true))
}

/** Writes a relation as it is when its indexes have come, which mostly are the last of it. */
function writeWhole({ relation, written }: RelationDraft): void {
  if (hasTwins(relation, 'relation', written)) return
  written.set(relation, nodeText(relation, 'relation', written))
  for (const list of [relation.columns, relation.constraints]) if (list !== undefined) written.delete(list)
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return byCodeUnit(a.name, b.name)
}

/** Rows that may change columns. */
const OF_COLUMNS: ReadonlySet<WireTrait['k']> = new Set(['traits', 'identity', 'weak', 'notNullNames'])

function addTrait(draft: RelationDraft, part: WireTrait): void {
  const { relation, columns } = draft
  if (OF_COLUMNS.has(part.k)) draft.written.delete(relation.columns)
  switch (part.k) {
    case 'traits':
      addTraits(relation, columns, part)
      return
    case 'partition':
      relation.partitions ??= []
      relation.partitions.push(...partitionOf(part))
      return
    case 'identity': {
      const column = columns[part.number]
      const options = column?.identity === undefined ? null : identityOptionsOf(part, column.type)
      if (column !== undefined && options !== null) column.identityOptions = options
      return
    }
    case 'triggers':
      relation.triggers = part.triggers.map(trigger => triggerOf(trigger, namesOf(draft, trigger.numbers)))
      return
    case 'rules':
      relation.rules = part.rules.flatMap(ruleOf)
      return
    case 'published':
      relation.published = part.publications.map(one => publishedOf(one, namesOf(draft, one.numbers)))
      return
    case 'weak':
      addWeak(draft, part)
      return
    case 'notNullNames':
      for (const [number, name] of Object.entries(part.names)) {
        const column = columns[Number(number)]
        if (column !== undefined) column.notNullName = name
      }
      return
    default:
      draft.named ??= []
      draft.named.push(part)
  }
}

/** Keys over columns that the role may not see are left out. */
function addConstraints(
  draft: RelationDraft,
  wires: readonly WireConstraint[],
  drafts: ReadonlyMap<string, RelationDraft>,
): boolean {
  const constraints = []
  for (const wire of wires) {
    if (!isSeen(draft, wire.numbers)) continue
    const target = wire.target ?? (wire.kind === 'f' ? targetOf(wire, drafts) : null)
    if (target === undefined) return false
    constraints.push(constraintOf(wire, namesOf(draft, wire.numbers), target))
  }
  if (constraints.length === 0) return true
  draft.relation.constraints = constraints.sort(byName)
  writeAhead(draft)
  return true
}

function targetOf(
  wire: WireConstraint,
  drafts: ReadonlyMap<string, RelationDraft>,
): WireConstraint['target'] | undefined {
  const draft = drafts.get(wire.targetId)
  if (!draft?.described) return undefined
  return { schema: draft.schema, relation: draft.relation.name, columns: namesOf(draft, wire.targetNumbers) }
}
