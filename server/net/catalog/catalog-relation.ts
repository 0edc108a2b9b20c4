/**
 * The relations of a catalog while it is read: the first row of each makes it, and each further one adds to it.
 *
 * It judges nothing. Only the catalog reader uses it.
 */

import type { WireConstraint, WirePart, WireRelation, WireTrait } from '#server/net/catalog/wire/catalog-shapes.ts'
import { byCodeUnit } from '#shared/schemas/snapshot-parts.ts'
import type { Column, Relation } from '#shared/schemas/snapshot-relation.ts'
import { addNamed, type NamedTrait } from './catalog-named.ts'
import { constraintOf, indexOf, permissionsOf, policyOf } from './catalog-object.ts'
import { addTraits, identityOptionsOf, partitionOf, publishedOf, ruleOf, triggerOf } from './catalog-trait.ts'
import { misbehaved } from './catalog-wire.ts'

const KINDS = { r: 'table', p: 'partitioned_table', f: 'foreign_table', v: 'view', m: 'materialized_view' } as const

interface Draft {
  readonly schema: string
  readonly relation: Relation
  /** The privileges on the whole relation, as letters. */
  readonly may: string
  readonly partly: boolean
  /** By PostgreSQL's number of it; holes where one was dropped. */
  readonly columns: Column[]
  /** True once its columns are known. */
  described: boolean
  readonly generated: Set<number>
  /** One copy of each spelling of a type: a schema has few, and a hundred thousand columns. */
  readonly spellings: Map<string, string>
  /** Comments of its constraints and indexes, by name. */
  readonly named: NamedTrait[]
}

/** Collects relations. */
export interface CatalogRelations {
  /** Begins a relation. */
  add(wire: WireRelation): Relation
  /** Adds to one. False when something is not there yet that the row speaks of: it is to be offered again in the end. */
  extend(part: WirePart): boolean
  /** Tells the constraints and indexes what was said of them by name. When all rows are there. */
  finish(): void
  /** True when two had one identifier: what belongs to which cannot be told. */
  hasTwins(): boolean
}

/** Begins a collection. */
export function createCatalogRelations(): CatalogRelations {
  const drafts = new Map<string, Draft>()
  const spellings = new Map<string, string>()
  let isTwice = false
  return {
    hasTwins: () => isTwice,
    finish: () => {
      for (const { relation, named } of drafts.values()) addNamed(relation, named)
    },
    add(wire) {
      isTwice ||= drafts.has(wire.id)
      const relation = relationOf(wire)
      const { schema, may, partly } = wire
      const known = { columns: [], described: false, generated: new Set<number>(), named: [] }
      drafts.set(wire.id, { schema, relation, may, partly, spellings, ...known })
      return relation
    },
    extend(part) {
      const draft = drafts.get(part.id)
      if (!draft || (part.k !== 'columns' && !draft.described)) return false
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

function extend(draft: Draft, part: Exclude<WirePart, { k: 'constraints' }>): void {
  const { relation, columns } = draft
  switch (part.k) {
    case 'columns':
      addColumns(draft, part)
      return
    case 'defaults':
      for (const [number, text] of Object.entries(part.texts)) addExpression(draft, Number(number), text)
      return
    case 'comments':
      for (const [number, text] of Object.entries(part.texts)) {
        const about = number === '0' ? relation : columns[Number(number)]
        if (about) about.comment = text
      }
      return
    case 'indexes': {
      const indexes = part.indexes.filter(index => isSeen(draft, index.about)).flatMap(indexOf)
      if (indexes.length > 0) relation.indexes = indexes
      return
    }
    case 'policies':
      relation.policies = part.policies.map(policyOf)
      return
    default:
      addTrait(draft, part)
  }
}

function addTrait(draft: Draft, part: WireTrait): void {
  const { relation, columns } = draft
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
      draft.named.push(part)
  }
}

/** The server has these columns as not null, and does not keep that for every row that is read. */
function addWeak({ columns }: Draft, part: Extract<WireTrait, { k: 'weak' }>): void {
  for (const number of part.unvalidated ?? []) {
    const column = columns[number]
    if (column === undefined) continue
    delete column.notNull
    column.notNullUnvalidated = true
  }
  for (const number of part.below ?? []) {
    const column = columns[number]
    if (column !== undefined) column.nullBelow = true
  }
}

function addColumns(draft: Draft, part: Extract<WirePart, { k: 'columns' }>): void {
  const { numbers, names, types, flags, collations, may } = part
  if (draft.described) throw misbehaved('the columns of a relation twice')
  draft.described = true
  for (let at = 0; at < (numbers?.length ?? 0); at++) {
    const number = numbers?.[at] ?? 0
    if (number < 1 || draft.columns[number] !== undefined) throw misbehaved('a column number twice, or of no column')
    const type = types?.[at] ?? ''
    if (!draft.spellings.has(type)) draft.spellings.set(type, type)
    const [name, spelled, flag] = [names?.[at] ?? '', draft.spellings.get(type) ?? type, flags?.[at] ?? '']
    // In the order in which they are written.
    const column: Column = flag.startsWith('n') ? { name, notNull: true, type: spelled } : { name, type: spelled }
    addFlags(draft, { number, column }, flag)
    const collation = collations?.[number]
    if (collation !== undefined) column.collation = collation
    const granted = permissionsOf(may?.[number] ?? '', draft.may)
    if (granted.length > 0) column.may = granted
    draft.relation.columns.push(column)
    draft.columns[number] = column
  }
}

function addFlags(draft: Draft, { number, column }: { number: number; column: Column }, flags: string): void {
  for (const flag of flags) {
    if (flag === 'n') column.notNull = true
    else if (flag === 'a') column.identity = 'always'
    else if (flag === 'd') column.identity = 'by_default'
    else draft.generated.add(number)
    if (flag === 'v') column.virtual = true
  }
}

/** A default, or what a generated column is computed by. It vanished while it was read when it is null. */
function addExpression(draft: Draft, number: number, text: string | null): void {
  const column = draft.columns[number]
  if (!column || text === null) return
  if (draft.generated.has(number)) column.generated = text
  else column.default = text
}

/** Keys over columns that the role may not see are left out. */
function addConstraints(draft: Draft, wires: readonly WireConstraint[], drafts: ReadonlyMap<string, Draft>): boolean {
  const constraints = []
  for (const wire of wires) {
    if (!isSeen(draft, wire.numbers)) continue
    const target = wire.target ?? (wire.kind === 'f' ? targetOf(wire, drafts) : null)
    if (target === undefined) return false
    constraints.push(constraintOf(wire, namesOf(draft, wire.numbers), target))
  }
  if (constraints.length > 0) draft.relation.constraints = constraints
  return true
}

function targetOf(wire: WireConstraint, drafts: ReadonlyMap<string, Draft>): WireConstraint['target'] | undefined {
  const draft = drafts.get(wire.targetId)
  if (!draft?.described) return undefined
  return { schema: draft.schema, relation: draft.relation.name, columns: namesOf(draft, wire.targetNumbers) }
}

function isSeen(draft: Draft, numbers: readonly number[] | null): boolean {
  return !draft.partly || (numbers ?? []).every(number => draft.columns[number] !== undefined)
}

/** An expression, whose number is 0, has no name; it is in the definition. */
function namesOf(draft: Draft, numbers: readonly number[] | null): string[] {
  return (numbers ?? []).flatMap(number => draft.columns[number]?.name ?? [])
}
