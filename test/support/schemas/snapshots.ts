/**
 * Random snapshots for property tests, drawn from few names so that two of them overlap, and small ones to write by
 * hand.
 */
import { SNAPSHOT_FORMAT, Snapshot } from '#shared/schemas/snapshot.ts'
import { fc } from '#test/support/house/properties.ts'

/** Names that PostgreSQL accepts, including awkward ones and those of JavaScript's own properties. */
const NAMES = ['a', 'b', 'B', 'a.b', 'x"y', 'line\nbreak', '🐘', '__proto__', 'constructor']
const name = fc.constantFrom(...NAMES)
const text = fc.constantFrom('one', 'two', '3')
const flag = fc.constant(true as const)
const type = fc.constantFrom('integer', 'bigint', 'text', 'character varying(40)', 'public.mood')
const permissions = fc.subarray(['select', 'insert', 'update', 'delete'] as const, { minLength: 1 })

type Arbitraries<T> = { [K in keyof T]: fc.Arbitrary<T[K]> }

/** An object whose optional properties are present or absent, never `undefined`. */
function sometimes<T extends object, U extends object>(required: Arbitraries<T>, optional: Arbitraries<U>) {
  return fc
    .tuple(fc.record<T>(required), fc.record<Partial<U>>(optional, { requiredKeys: [] }))
    .map(([must, may]) => ({ ...must, ...may }))
}

function named<T>(arbitrary: fc.Arbitrary<T>, maxLength = 4): fc.Arbitrary<T[]> {
  return fc.uniqueArray(arbitrary, { maxLength, selector: item => (item as { name: string }).name })
}

const column = sometimes(
  { name, type },
  {
    notNull: flag,
    default: text,
    identity: fc.constantFrom('always', 'by_default'),
    generated: text,
    virtual: flag,
    collation: text,
    comment: text,
    may: permissions,
    notNullUnvalidated: flag,
    nullBelow: flag,
    identityOptions: sometimes({}, { start: text, increment: text, cycle: flag }),
    base: text,
    options: fc.array(sometimes({ name }, { value: text, hash: text }), { maxLength: 2 }),
  },
)
const reference = fc.record({
  schema: name,
  relation: name,
  columns: fc.array(name, { maxLength: 2 }),
  onUpdate: fc.constantFrom('no_action', 'cascade'),
  onDelete: fc.constantFrom('no_action', 'set_null'),
})
const constraint = sometimes(
  {
    name,
    kind: fc.constantFrom('primary_key', 'unique', 'foreign_key', 'check', 'exclusion'),
    columns: fc.array(name, { maxLength: 2 }),
  },
  { references: reference, definition: text, comment: text, inherited: flag },
)
const index = sometimes({ name, definition: text }, { unique: flag, invalid: flag, comment: text, inherited: flag })
const enabled = fc.constantFrom('disabled', 'replica', 'always')
const trigger = sometimes(
  { name, timing: fc.constantFrom('before', 'after'), events: fc.constant(['insert']), function: text },
  { columns: fc.array(name, { maxLength: 2 }), forEachRow: flag, enabled, hash: text },
)
const rule = sometimes(
  { name, event: fc.constantFrom('insert', 'update'), definition: text },
  { instead: flag, enabled },
)
const published = sometimes({ name }, { columns: fc.array(name, { maxLength: 2 }), filter: text })
const partition = sometimes({ name, bound: text }, { of: text, partitionKey: text, unlogged: flag, server: text })
const relationName = fc.record({ schema: name, name })
const policy = sometimes(
  { name, command: fc.constantFrom('all', 'select'), roles: fc.uniqueArray(name, { maxLength: 2 }) },
  { restrictive: flag, using: text, check: text },
)
const relation = sometimes(
  {
    name,
    kind: fc.constantFrom('table', 'partitioned_table', 'foreign_table', 'view', 'materialized_view'),
    columns: named(column, 5),
  },
  {
    comment: text,
    constraints: named(constraint),
    indexes: named(index),
    policies: named(policy),
    rowSecurity: flag,
    rowSecurityForced: flag,
    partitionKey: text,
    options: text,
    server: text,
    definition: text,
    may: permissions,
    triggers: named(trigger, 2),
    rules: named(rule, 2),
    published: named(published, 2),
    partitions: named(partition, 2),
    unlogged: flag,
    replicaIdentity: fc.constantFrom('full', 'nothing'),
    inherits: fc.array(relationName, { maxLength: 2 }),
    partitionOf: relationName,
    bound: text,
  },
)
const labels = fc.uniqueArray(name, { maxLength: 4 })
const sequence = sometimes(
  { name, type, start: text, increment: text, min: text, max: text, cache: text },
  { cycle: flag, ownedBy: fc.record({ relation: name, column: name }), comment: text },
)
const domain = sometimes(
  { name, type },
  {
    notNull: flag,
    default: text,
    collation: text,
    checks: named(fc.record({ name, definition: text })),
    comment: text,
  },
)
const composite = sometimes(
  { name, attributes: named(sometimes({ name, type }, { collation: text })) },
  { comment: text },
)
const range = sometimes({ name, type }, { collation: text, canonical: text, comment: text })
const routine = sometimes(
  { name, kind: fc.constantFrom('function', 'procedure'), arguments: text, language: text, hash: text },
  { result: text, volatility: fc.constantFrom('immutable', 'stable'), securityDefiner: flag, denied: flag },
)
const publication = sometimes(
  { name, operations: fc.subarray(['insert', 'update'] as const) },
  { allTables: flag, schemas: fc.array(name, { maxLength: 2 }), viaRoot: flag },
)
const server = sometimes({ name, wrapper: text }, { extension: text, handled: flag })
const schema = sometimes(
  { name, relations: named(relation, 3) },
  {
    comment: text,
    enums: named(sometimes({ name, labels }, { comment: text })),
    domains: named(domain),
    sequences: named(sequence),
    composites: named(composite, 2),
    ranges: named(range, 2),
    functions: named(routine, 2),
  },
)

type Coverage = Pick<Snapshot, 'schemasAsked' | 'excludedSchemas'>

/** The possible coverage of a request. */
const coverage: fc.Arbitrary<Coverage> = fc.oneof(
  fc.record({ schemasAsked: fc.constant(null), excludedSchemas: fc.uniqueArray(name, { maxLength: 2 }) }),
  fc.record({ schemasAsked: fc.uniqueArray(name, { maxLength: 6 }), excludedSchemas: fc.constant<string[]>([]) }),
)

/** Any snapshot; with `whole`, one that covers every schema. */
export function anySnapshot(options: { whole?: boolean } = {}): fc.Arbitrary<Snapshot> {
  const content = fc.record({
    coverage: options.whole ? fc.constant<Coverage>({ schemasAsked: null, excludedSchemas: [] }) : coverage,
    extensions: named(fc.record({ name, version: text, schema: name })),
    schemas: named(schema, 4),
    publications: named(publication, 2),
    servers: named(server, 2),
  })
  return content.map(({ coverage, extensions, schemas, publications, servers }) => {
    const { schemasAsked, excludedSchemas } = coverage
    const covered = schemas.filter(({ name }) =>
      schemasAsked === null ? !excludedSchemas.includes(name) : schemasAsked.includes(name),
    )
    const version = SNAPSHOT_FORMAT
    const beside = { ...(publications.length > 0 ? { publications } : {}), ...(servers.length > 0 ? { servers } : {}) }
    return snapshot({ version, schemasAsked, excludedSchemas, extensions, ...beside, schemas: covered })
  })
}

/** A snapshot of the given parts, otherwise empty. */
export function snapshot(parts: Partial<Record<keyof Snapshot, unknown>> = {}): Snapshot {
  return Snapshot.parse({
    version: 1,
    schemasAsked: null,
    excludedSchemas: [],
    findings: [],
    extensions: [],
    schemas: [],
    observed: {
      serverVersionNum: 180_004,
      hidden: { schemas: 0, relations: 0, columns: 0, sequences: 0 },
      estimates: [],
    },
    ...parts,
  })
}

/** A snapshot of one table `public.orders`. */
export function oneTable(table: Record<string, unknown> = {}): Snapshot {
  const orders = { name: 'orders', kind: 'table', columns: [{ name: 'id', type: 'integer', notNull: true }], ...table }
  return snapshot({ schemas: [{ name: 'public', relations: [orders] }] })
}
