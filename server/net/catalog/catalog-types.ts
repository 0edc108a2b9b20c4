/**
 * The enums and domains of a whole database while its catalog is read, so that each schema of the snapshot gets its own
 * and those that its columns use, wherever they live.
 *
 * A type is known by its spelling as a column's type. Only the catalog reader uses it.
 */
import { elementOf } from '#shared/schemas/drift/drift-type.ts'
import type { Domain, Enum, SchemaSnapshot } from '#shared/schemas/snapshot.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import { tooLarge } from './catalog-wire.ts'

/** What a type's row takes in JSON at least, beside its name. */
const LEAST_BYTES = 20

/** Collects types, and gives those of a schema. */
export interface CatalogTypes {
  addEnum(schema: string, type: Enum): void
  addDomain(schema: string, type: Domain): void
  /** The types of a schema and those that its columns use, through arrays and domains over domains. */
  of(schema: SchemaSnapshot): { enums: Enum[]; domains: Domain[] }
}

/** Begins a collection. */
export function createCatalogTypes(): CatalogTypes {
  const enums = new Map<string, Enum>()
  const domains = new Map<string, Domain>()
  const bySchema = new Map<string, string[]>()
  // A type goes into each schema that uses it: ten thousand of both would make a hundred million.
  let leftBytes: number = SNAPSHOT_BOUNDS.maxBytes
  const own = (schema: string, type: string) => {
    const names = bySchema.get(schema)
    if (names) names.push(type)
    else bySchema.set(schema, [type])
  }
  return {
    addEnum(schema, type) {
      enums.set(type.name, type)
      own(schema, type.name)
    },
    addDomain(schema, type) {
      domains.set(type.name, type)
      own(schema, type.name)
    },
    of(schema) {
      const names = new Set(bySchema.get(schema.name))
      for (const { columns } of schema.relations) for (const column of columns) names.add(column.type)
      // A set is iterated in order of insertion, what is added meanwhile included.
      for (const name of names) {
        names.add(elementOf(name))
        const domain = domains.get(name)
        if (domain !== undefined || enums.has(name)) leftBytes -= name.length + LEAST_BYTES
        if (leftBytes < 0) throw tooLarge('maxBytes')
        if (domain) names.add(domain.type)
      }
      const used = <T>(types: ReadonlyMap<string, T>) => [...names].flatMap(name => types.get(name) ?? [])
      return { enums: used(enums), domains: used(domains) }
    },
  }
}
