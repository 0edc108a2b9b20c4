/**
 * Converts rare properties of relations to their form in a snapshot: letters and bits become words, and defaults are
 * omitted.
 *
 * It makes no judgements. Only the catalog's relations use it.
 */
import { createHash } from 'node:crypto'
import type { WireTrait } from '#server/net/catalog/wire/catalog-shapes.ts'
import { byCodeUnit } from '#shared/schemas/snapshot-parts.ts'
import type {
  Column,
  IdentityOptions,
  Option,
  OwnPart,
  Partition,
  Published,
  Relation,
  Rule,
  Trigger,
} from '#shared/schemas/snapshot-relation.ts'

type TraitOf<K extends WireTrait['k']> = Extract<WireTrait, { k: K }>

const ENABLED = { O: undefined, D: 'disabled', R: 'replica', A: 'always' } as const
const EVENTS = { 1: 'select', 2: 'update', 3: 'insert', 4: 'delete' } as const
const IDENTITIES = { d: undefined, f: 'full', n: 'nothing', i: 'index' } as const

/** Bits of `pg_trigger.tgtype` (`catalog/pg_trigger.h`). */
const BITS = { row: 1, before: 2, insert: 4, delete: 8, update: 16, truncate: 32, insteadOf: 64 } as const

/** Names of options whose values are stored as a hash: foreign-data wrappers take keys and passwords as options. */
const SECRET = /pass|secret|token|credential|api_?key|private|auth/i

/** Options in PostgreSQL's form, `name=value`. */
export function optionsOf(texts: readonly string[]): Option[] {
  const options = texts.map((text): Option => {
    const at = text.indexOf('=')
    const [name, value] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
    return SECRET.test(name) ? { name, hash: createHash('sha256').update(value).digest('hex') } : { name, value }
  })
  return options.sort((a, b) => byCodeUnit(a.name, b.name))
}

/** Adds the properties of the relation as a whole. */
export function addTraits(relation: Relation, columns: readonly Column[], wire: TraitOf<'traits'>): void {
  const { parents, bound, options } = wire
  if (wire.unlogged) relation.unlogged = true
  const identity = IDENTITIES[wire.identity]
  if (identity !== undefined) relation.replicaIdentity = identity
  if (identity === 'index' && wire.index !== null) relation.replicaIndex = wire.index
  if (bound !== null) relation.bound = bound
  const [parent] = parents ?? []
  if (bound !== null && parent !== undefined) relation.partitionOf = parent
  else if (parents !== null && parents.length > 0) relation.inherits = parents
  if (wire.ofType !== null) relation.ofType = wire.ofType
  if (wire.storage) relation.storage = wire.storage.split(', ').sort(byCodeUnit).join(', ')
  if (options !== null && options.length > 0) relation.serverOptions = optionsOf(options)
  for (const [number, texts] of Object.entries(wire.columnOptions ?? {})) {
    const column = columns[Number(number)]
    if (column !== undefined && texts.length > 0) column.options = optionsOf(texts)
  }
}

/** A partition; empty if it was dropped while it was read. */
export function partitionOf(wire: TraitOf<'partition'>): Partition[] {
  if (wire.bound === null) return []
  const partition: Partition = { name: wire.name, bound: wire.bound }
  if (wire.of !== null) partition.of = wire.of
  if (wire.key !== null) partition.partitionKey = wire.key
  if (wire.unlogged) partition.unlogged = true
  if (wire.server !== null) partition.server = wire.server
  if (wire.options !== null && wire.options.length > 0) partition.options = optionsOf(wire.options)
  if (wire.own !== null) partition.own = wire.own.map(ownPartOf).sort(byKind)
  return [partition]
}

function ownPartOf({ kind, name, definition }: NonNullable<TraitOf<'partition'>['own']>[number]): OwnPart {
  return definition === null ? { kind, name } : { kind, name, definition }
}

function byKind(a: OwnPart, b: OwnPart): number {
  return byCodeUnit(a.kind, b.kind) || byCodeUnit(a.name, b.name)
}

/** The options of an identity column's sequence; null if they are the defaults. */
export function identityOptionsOf(wire: TraitOf<'identity'>, type: string): IdentityOptions | null {
  const isDown = wire.increment.startsWith('-')
  const most = { smallint: '32767', integer: '2147483647' }[type] ?? '9223372036854775807'
  const least = { smallint: '-32768', integer: '-2147483648' }[type] ?? '-9223372036854775808'
  const [min, max] = isDown ? [least, '-1'] : ['1', most]
  const options: IdentityOptions = {}
  if (wire.increment !== '1') options.increment = wire.increment
  if (wire.min !== min) options.min = wire.min
  if (wire.max !== max) options.max = wire.max
  if (wire.start !== (isDown ? wire.max : wire.min)) options.start = wire.start
  if (wire.cache !== '1') options.cache = wire.cache
  if (wire.cycle) options.cycle = true
  return Object.keys(options).length > 0 ? options : null
}

/** A trigger, with column names supplied by the caller. */
export function triggerOf(wire: TraitOf<'triggers'>['triggers'][number], columns: string[]): Trigger {
  const has = (bit: number) => (wire.type & bit) !== 0
  const trigger: Trigger = {
    name: wire.name,
    timing: has(BITS.insteadOf) ? 'instead_of' : has(BITS.before) ? 'before' : 'after',
    events: (['insert', 'update', 'delete', 'truncate'] as const).filter(event => has(BITS[event])),
    function: wire.function,
  }
  if (columns.length > 0) trigger.columns = columns
  if (has(BITS.row)) trigger.forEachRow = true
  const enabled = ENABLED[wire.enabled]
  if (enabled !== undefined) trigger.enabled = enabled
  if (wire.constraint) trigger.constraint = wire.deferred ? 'deferred' : wire.deferrable ? 'deferrable' : 'immediate'
  if (wire.detail !== null) trigger.hash = wire.detail
  return trigger
}

/** A rule; empty if it was dropped while it was read. */
export function ruleOf(wire: TraitOf<'rules'>['rules'][number]): Rule[] {
  if (wire.definition === null) return []
  const rule: Rule = { name: wire.name, event: EVENTS[wire.event], definition: wire.definition }
  if (wire.instead) rule.instead = true
  const enabled = ENABLED[wire.enabled]
  if (enabled !== undefined) rule.enabled = enabled
  return [rule]
}

/** A publication's entry for the relation, with column names supplied by the caller. */
export function publishedOf(wire: TraitOf<'published'>['publications'][number], columns: string[]): Published {
  const published: Published = { name: wire.name }
  if (columns.length > 0) published.columns = columns
  if (wire.filter !== null) published.filter = wire.filter
  return published
}
