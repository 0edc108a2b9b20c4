/**
 * One row of the catalog query → one relation, type or sequence of a snapshot: letters become words, numbers names, and
 * what says nothing is left out.
 *
 * It judges nothing. Only the catalog reader calls it.
 */
import type {
  Column,
  Constraint,
  Domain,
  Enum,
  Index,
  Permission,
  Policy,
  Relation,
  Sequence,
} from '#shared/snapshot.ts'
import type {
  WireConstraint,
  WireDomain,
  WireEnum,
  WireIndex,
  WirePolicy,
  WireRelation,
  WireSequence,
} from './catalog-wire.ts'

const KINDS = { r: 'table', p: 'partitioned_table', f: 'foreign_table', v: 'view', m: 'materialized_view' } as const
const CONSTRAINTS = { p: 'primary_key', u: 'unique', f: 'foreign_key', c: 'check', x: 'exclusion' } as const
const ACTIONS = { a: 'no_action', r: 'restrict', c: 'cascade', n: 'set_null', d: 'set_default' } as const
const COMMANDS = { '*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete' } as const
const PERMISSIONS: readonly (readonly [string, Permission])[] = [
  ['s', 'select'],
  ['i', 'insert'],
  ['u', 'update'],
  ['d', 'delete'],
]

/**
 * A relation of the snapshot. What vanished while it was read (a null definition) is left out, and so are keys and
 * indexes over columns that the role may not see.
 */
export function relationOf(wire: WireRelation): Relation {
  const names = new Map(wire.columns[0]?.map((number, at) => [number, wire.columns[1]?.[at] ?? '']))
  const relation: Relation = { name: wire.name, kind: KINDS[wire.kind], columns: columnsOf(wire) }
  const seen = (numbers: readonly number[] | null) => wire.concealed === 0 || (numbers ?? []).every(at => names.has(at))
  const constraints = (wire.constraints ?? []).filter(it => seen(it.columns)).map(it => constraintOf(it, names))
  const indexes = (wire.indexes ?? []).filter(it => seen(it.about)).flatMap(indexOf)
  const policies = (wire.policies ?? []).map(policyOf)
  const comment = wire.comments?.['0']
  if (comment !== undefined) relation.comment = comment
  if (constraints.length > 0) relation.constraints = constraints
  if (indexes.length > 0) relation.indexes = indexes
  if (policies.length > 0) relation.policies = policies
  if (wire.secured) relation.rowSecurity = true
  if (wire.forced) relation.rowSecurityForced = true
  if (wire.partitionKey !== null) relation.partitionKey = wire.partitionKey
  if (wire.server !== null) relation.server = wire.server
  if (wire.query !== null) relation.definition = wire.query
  const may = permissionsOf(wire.may)
  if (may.length > 0) relation.may = may
  return relation
}

function columnsOf(wire: WireRelation): Column[] {
  const [numbers, names, types, flags] = wire.columns
  return (numbers ?? []).map((number, at) => {
    const column: Column = { name: names?.[at] ?? '', type: types?.[at] ?? '' }
    describe(column, flags?.[at] ?? '', wire.defaults?.[number])
    addSeldom(column, wire, number)
    return column
  })
}

function describe(column: Column, flags: string, expression: string | undefined): void {
  if (flags.includes('n')) column.notNull = true
  if (flags.includes('a')) column.identity = 'always'
  if (flags.includes('d')) column.identity = 'by_default'
  const generated = flags.includes('s') || flags.includes('v')
  if (flags.includes('v')) column.virtual = true
  if (expression === undefined) return
  if (generated) column.generated = expression
  else column.default = expression
}

function addSeldom(column: Column, wire: WireRelation, number: number): void {
  const collation = wire.columns[4]?.[number]
  const comment = wire.comments?.[number]
  const letters = wire.columns[5]?.[number]
  if (collation !== undefined) column.collation = collation
  if (comment !== undefined) column.comment = comment
  if (letters === undefined) return
  const may = permissionsOf([...letters].filter(letter => !wire.may.includes(letter)).join(''))
  if (may.length > 0) column.may = may
}

function constraintOf(wire: WireConstraint, names: ReadonlyMap<number, string>): Constraint {
  // An expression has the number 0, and is in the definition.
  const columns = (wire.columns ?? []).flatMap(number => names.get(number) ?? [])
  const constraint: Constraint = { name: wire.name, kind: CONSTRAINTS[wire.kind], columns }
  if (wire.definition !== null) constraint.definition = wire.definition
  if (wire.references) {
    const { update, delete: remove, ...target } = wire.references
    constraint.references = { ...target, onUpdate: ACTIONS[update], onDelete: ACTIONS[remove] }
  }
  return constraint
}

function indexOf(wire: WireIndex): Index[] {
  if (wire.definition === null) return []
  const index: Index = { name: wire.name, definition: wire.definition }
  if (wire.unique) index.unique = true
  if (!wire.valid) index.invalid = true
  return [index]
}

function policyOf(wire: WirePolicy): Policy {
  const policy: Policy = { name: wire.name, command: COMMANDS[wire.command], roles: (wire.roles ?? []).toSorted() }
  if (!wire.permissive) policy.restrictive = true
  if (wire.using !== null) policy.using = wire.using
  if (wire.check !== null) policy.check = wire.check
  return policy
}

function permissionsOf(letters: string): Permission[] {
  return PERMISSIONS.filter(([letter]) => letters.includes(letter)).map(([, permission]) => permission)
}

/** An enum of the snapshot. */
export function enumOf(wire: WireEnum): Enum {
  const result: Enum = { name: wire.name, labels: wire.labels ?? [] }
  if (wire.comment !== null) result.comment = wire.comment
  return result
}

/** A domain of the snapshot. */
export function domainOf(wire: WireDomain): Domain {
  const domain: Domain = { name: wire.name, type: wire.type }
  const checks = (wire.checks ?? []).flatMap(({ name, definition }) =>
    definition === null ? [] : [{ name, definition }],
  )
  if (wire.notNull) domain.notNull = true
  if (wire.default !== null) domain.default = wire.default
  if (wire.collation !== null) domain.collation = wire.collation
  if (checks.length > 0) domain.checks = checks
  if (wire.comment !== null) domain.comment = wire.comment
  return domain
}

/** A sequence of the snapshot. */
export function sequenceOf(wire: WireSequence): Sequence {
  const { k: _, schema: __, cycle, ownedBy, comment, ...rest } = wire
  const sequence: Sequence = rest
  if (cycle) sequence.cycle = true
  if (ownedBy !== null) sequence.ownedBy = ownedBy
  if (comment !== null) sequence.comment = comment
  return sequence
}
