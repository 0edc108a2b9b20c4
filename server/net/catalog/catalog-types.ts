/**
 * The types of a whole database while its catalog is being read. Each schema of the snapshot gets its own types and
 * those that its columns use, from any schema.
 *
 * A type is identified by its spelling as a column type. Only the catalog reader uses it.
 */
import { elementOf } from '#shared/schemas/drift/drift-type.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import type { Composite, Domain, Enum, Range } from '#shared/schemas/snapshot-object.ts'
import { tooLarge } from './catalog-wire.ts'

/** A hostile catalog may define domains over each other. */
const MAX_CHAIN = 100

/** The minimum size of a type's row in JSON, without its name. */
const LEAST_BYTES = 20

/** Collects types, and returns those of a schema. */
export interface CatalogTypes {
  addEnum(schema: string, type: Enum): void
  addDomain(schema: string, type: Domain): void
  addComposite(schema: string, type: Composite): void
  addRange(schema: string, type: Range): void
  /** Adds a domain that belongs to an extension or to PostgreSQL itself, with its base type. */
  addForeign(name: string, type: string): void
  /** True if the schema defines types of its own. */
  hasOwn(schema: string): boolean
  /** The base type of such a foreign domain; null for any other type. */
  baseOf(type: string): string | null
  /** The types of a schema and the given types of its columns, resolved through arrays and nested domains. */
  of(
    schema: string,
    columnTypes: Iterable<string>,
  ): { enums: Enum[]; domains: Domain[]; composites: Composite[]; ranges: Range[] }
}

/** The types read so far, by name. */
interface Known {
  readonly enums: Map<string, Enum>
  readonly domains: Map<string, Domain>
  readonly composites: Map<string, Composite>
  readonly ranges: Map<string, Range>
  /** Domains that belong to an extension or to PostgreSQL itself, with their base types. */
  readonly foreign: Map<string, string>
  /** The names of each schema's own types. */
  readonly bySchema: Map<string, string[]>
}

/** Starts an empty collection. */
export function createCatalogTypes(): CatalogTypes {
  const known: Known = {
    enums: new Map(),
    domains: new Map(),
    composites: new Map(),
    ranges: new Map(),
    foreign: new Map(),
    bySchema: new Map(),
  }
  // A type is copied into each schema that uses it: ten thousand types and schemas would produce a hundred million
  // copies.
  const left: { bytes: number } = { bytes: SNAPSHOT_BOUNDS.maxBytes }
  const adding =
    <T extends { readonly name: string }>(types: Map<string, T>) =>
    (schema: string, type: T) => {
      types.set(type.name, type)
      const names = known.bySchema.get(schema)
      if (names) names.push(type.name)
      else known.bySchema.set(schema, [type.name])
    }
  return {
    addEnum: adding(known.enums),
    addDomain: adding(known.domains),
    addComposite: adding(known.composites),
    addRange: adding(known.ranges),
    addForeign: (name, type) => void known.foreign.set(name, type),
    hasOwn: schema => known.bySchema.has(schema),
    baseOf: type => baseOf(known, type),
    of: (schema, columnTypes) => usedBy(known, [...(known.bySchema.get(schema) ?? []), ...columnTypes], left),
  }
}

function baseOf({ foreign }: Known, type: string): string | null {
  let base = foreign.get(type) ?? null
  for (let left = MAX_CHAIN; base !== null && left > 0; left -= 1) {
    const below = foreign.get(base)
    if (below === undefined) return base
    base = below
  }
  return base
}

function usedBy(known: Known, given: readonly string[], left: { bytes: number }) {
  const { enums, domains, composites, ranges } = known
  const names = new Set(given)
  // A set iterates in insertion order, including entries added during the iteration.
  for (const name of names) {
    names.add(elementOf(name))
    const [domain, composite, range] = [domains.get(name), composites.get(name), ranges.get(name)]
    if (domain || composite || range || enums.has(name)) left.bytes -= name.length + LEAST_BYTES
    if (composite) left.bytes -= composite.attributes.length * LEAST_BYTES
    if (left.bytes < 0) throw tooLarge('maxBytes')
    for (const below of [domain, range, ...(composite?.attributes ?? [])]) if (below) names.add(below.type)
  }
  const used = <T>(types: ReadonlyMap<string, T>) => [...names].flatMap(name => types.get(name) ?? [])
  return { enums: used(enums), domains: used(domains), composites: used(composites), ranges: used(ranges) }
}
