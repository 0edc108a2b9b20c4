/**
 * Converts one object in the catalog query's answer to its form in a snapshot: letters become words, and empty
 * properties are omitted.
 *
 * It makes no judgements. Only the catalog reader and its relations call it.
 */

import type {
  WireConstraint,
  WireDomain,
  WireEnum,
  WireIndex,
  WirePolicy,
  WireSequence,
} from '#server/net/catalog/wire/catalog-shapes.ts'
import type { Domain, Enum, Sequence } from '#shared/schemas/snapshot-object.ts'
import { byCodeUnit } from '#shared/schemas/snapshot-parts.ts'
import type { Constraint, Index, Permission, Policy } from '#shared/schemas/snapshot-relation.ts'

const CONSTRAINTS = { p: 'primary_key', u: 'unique', f: 'foreign_key', c: 'check', x: 'exclusion' } as const
const ACTIONS = {
  a: 'no_action',
  r: 'restrict',
  c: 'cascade',
  n: 'set_null',
  d: 'set_default',
  ' ': 'no_action',
} as const
const COMMANDS = { '*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete' } as const
const PERMISSIONS: readonly (readonly [string, Permission])[] = [
  ['s', 'select'],
  ['i', 'insert'],
  ['u', 'update'],
  ['d', 'delete'],
]

/** The permissions that the letters stand for, without those of `others`, in their usual order. */
export function permissionsOf(letters: string, others = ''): Permission[] {
  if (letters === '') return []
  const isMeant = ([letter]: readonly [string, Permission]) => letters.includes(letter) && !others.includes(letter)
  return PERMISSIONS.filter(isMeant).map(([, permission]) => permission)
}

/** A constraint of the snapshot, with the names of its columns and its target supplied by the caller. */
export function constraintOf(wire: WireConstraint, columns: string[], target: WireConstraint['target']): Constraint {
  // Keys are created in the order of canonical text, which is cheaper than sorting them: a large schema has tens of
  // thousands.
  const definition = wire.definition === null ? {} : { definition: wire.definition }
  const constraint: Constraint = { columns, ...definition, kind: CONSTRAINTS[wire.kind], name: wire.name }
  if (target) constraint.references = referenceOf(wire, target)
  return constraint
}

function referenceOf(wire: WireConstraint, target: NonNullable<WireConstraint['target']>): Constraint['references'] {
  const { columns, relation, schema } = target
  return { columns, onDelete: ACTIONS[wire.delete], onUpdate: ACTIONS[wire.update], relation, schema }
}

/** An index of the snapshot; empty if the index was dropped while it was read. */
export function indexOf(wire: WireIndex): Index[] {
  if (wire.definition === null) return []
  const { definition, name } = wire
  const index: Index = wire.valid ? { definition, name } : { definition, invalid: true, name }
  if (wire.unique) index.unique = true
  return [index]
}

/** A policy of the snapshot. */
export function policyOf(wire: WirePolicy): Policy {
  const roles = (wire.roles ?? []).toSorted(byCodeUnit)
  const policy: Policy = { name: wire.name, command: COMMANDS[wire.command], roles }
  if (!wire.permissive) policy.restrictive = true
  if (wire.using !== null) policy.using = wire.using
  if (wire.check !== null) policy.check = wire.check
  return policy
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
  const { k: _, schema: __, cycle, unlogged, ownedBy, comment, ...rest } = wire
  const sequence: Sequence = rest
  if (cycle) sequence.cycle = true
  if (unlogged) sequence.unlogged = true
  if (ownedBy !== null) sequence.ownedBy = ownedBy
  if (comment !== null) sequence.comment = comment
  return sequence
}
