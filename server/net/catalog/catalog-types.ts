/**
 * The types of a whole database while its catalog is read, so that each schema of the snapshot gets its own
 * and those that its columns use, wherever they live.
 *
 * A type is known by its spelling as a column's type. Only the catalog reader uses it.
 */
import { elementOf } from '#shared/schemas/drift/drift-type.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import type { Composite, Domain, Enum, Range } from '#shared/schemas/snapshot-object.ts'
import { tooLarge } from './catalog-wire.ts'

/** A hostile catalog has domains that are made of each other. */
const MAX_CHAIN = 100

/** The least size of a type's row in JSON, without its name. */
const LEAST_BYTES = 20

/** Collects types, and gives those of a schema. */
export interface CatalogTypes {
  addEnum(schema: string, type: Enum): void
  addDomain(schema: string, type: Domain): void
  addComposite(schema: string, type: Composite): void
  addRange(schema: string, type: Range): void
  /** A domain that is an extension's or PostgreSQL's own, and what it is made of. */
  addForeign(name: string, type: string): void
  /** True where the schema has types of its own. */
  hasOwn(schema: string): boolean
  /** The base type of such a domain; null for any other type. */
  baseOf(type: string): string | null
  /** The types of a schema and those that its columns use, which are given, through arrays and domains over domains. */
  of(
    schema: string,
    columnTypes: Iterable<string>,
  ): { enums: Enum[]; domains: Domain[]; composites: Composite[]; ranges: Range[] }
}

/** The types that were read, by name. */
interface Known {
  readonly enums: Map<string, Enum>
  readonly domains: Map<string, Domain>
  readonly composites: Map<string, Composite>
  readonly ranges: Map<string, Range>
  /** Domains that are an extension's or PostgreSQL's own, and what each is made of. */
  readonly foreign: Map<string, string>
  /** The names of each schema's own. */
  readonly bySchema: Map<string, string[]>
}

/** Begins a collection. */
export function createCatalogTypes(): CatalogTypes {
  const known: Known = {
    enums: new Map(),
    domains: new Map(),
    composites: new Map(),
    ranges: new Map(),
    foreign: new Map(),
    bySchema: new Map(),
  }
  // A type goes into each schema that uses it: ten thousand of both would make a hundred million.
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
  // A set is iterated in order of insertion, what is added meanwhile included.
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
