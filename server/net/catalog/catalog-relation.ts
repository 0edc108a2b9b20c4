/**
 * The relations of a catalog while it is being read: the first row of each creates it, and each further row extends it.
 *
 * It makes no judgements. Only the catalog reader uses it.
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
  /** Starts a relation. */
  add(wire: WireRelation): Relation
  /** Extends a relation. False if the row refers to something that has not arrived: offer it again at the end. */
  extend(part: WirePart): boolean
  /** Applies the properties reported by name to constraints and indexes. Call it when all rows have arrived. */
  finish(): void
  /** The types of all columns of a schema, by their spelling. */
  typesIn(schema: string): Iterable<string>
  /** True if two relations had the same identifier, so that their parts cannot be told apart. */
  hasTwins(): boolean
  /**
   * The canonical texts of relations and lists that were complete while the server was still sending others. A later
   * row that changes one deletes its text. None of them contains two entries with the same name.
   */
  readonly written: WrittenParts
}

/** Starts an empty collection. */
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

/** Serialises constraints and columns, which are usually complete by then, while the server produces the next rows. */
function writeAhead({ relation, written }: RelationDraft): void {
  const { constraints, columns } = relation
  if (constraints === undefined || isNamedTwice(constraints) || isNamedTwice(columns)) return
  written.set(constraints, listText(constraints, false))
  written.set(columns, listText(columns, true))
}

/** Serialises a relation when its indexes arrive, which are usually its last part. */
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

/** Omits keys over columns that the role may not see. */
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
