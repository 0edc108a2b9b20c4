/**
 * A catalog while it is being read, and the snapshot built from it when all rows have arrived.
 *
 * It rejects inconsistent rows: the server may be hostile. Only the catalog reader uses it.
 */

import type { WirePart } from '#server/net/catalog/wire/catalog-shapes.ts'
import {
  type Estimate,
  type Finding,
  type Member,
  type SchemaSnapshot,
  SNAPSHOT_FORMAT,
  type Snapshot,
} from '#shared/schemas/snapshot.ts'
import type { Extension, Other, Publication, Routine, Sequence, Server } from '#shared/schemas/snapshot-object.ts'
import { byCodeUnit, hasTwins } from '#shared/schemas/snapshot-parts.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'
import { type CatalogRequest, isCovered, isSystemSchema } from './catalog.ts'
import type { CatalogRelations } from './catalog-relation.ts'
import type { CatalogTypes } from './catalog-types.ts'
import { misbehaved } from './catalog-wire.ts'

/**
 * The part of one schema read so far; `named` is set once the schema's own row has arrived, whatever the order of the
 * rows.
 */
interface SchemaDraft {
  readonly schema: SchemaSnapshot
  /** The relations, each with its estimate. */
  readonly relations: { readonly relation: Relation; readonly estimate: Estimate }[]
  readonly sequences: Sequence[]
  readonly functions: Routine[]
  readonly others: Other[]
  named: boolean
}

/** The catalog read so far. */
export interface CatalogDraft {
  readonly request: CatalogRequest
  readonly schemas: Map<string, SchemaDraft>
  readonly unusable: Set<string>
  readonly extensions: Extension[]
  readonly publications: Publication[]
  readonly servers: Server[]
  /** Objects that belong to no schema. */
  readonly others: Other[]
  readonly members: Member[]
  readonly types: CatalogTypes
  readonly relations: CatalogRelations
  /** Rows that arrived before the objects that they refer to: PostgreSQL guarantees no order. */
  readonly early: WirePart[]
  serverVersionNum: number | null
  /** True if the database uses UTF-8. Its first row says so; until then, it is assumed. */
  isUtf8: boolean
  hidden: { relations: number; columns: number; sequences: number }
}

/**
 * The draft of a schema, created at its first mention. Throws the fault `server_misbehaved` for a schema that was not
 * requested.
 */
export function draftOf(draft: CatalogDraft, name: string): SchemaDraft {
  const known = draft.schemas.get(name)
  if (known) return known
  if (!isCovered(draft.request, name)) throw misbehaved('a schema that was not asked for')
  const schema: SchemaSnapshot = { name, relations: [] }
  const made: SchemaDraft = { schema, sequences: [], functions: [], others: [], relations: [], named: false }
  draft.schemas.set(name, made)
  return made
}

/** The finished snapshot. Throws the fault `server_misbehaved` if the rows are inconsistent. */
export function finish(draft: CatalogDraft): Snapshot {
  const { request, serverVersionNum } = draft
  const early = [
    ...draft.early.filter(part => part.k === 'columns'),
    ...draft.early.filter(part => part.k !== 'columns'),
  ]
  if (!early.every(draft.relations.extend)) throw misbehaved('rows about a relation that it did not name')
  draft.relations.finish()
  const drafts = [...draft.schemas.values()]
    .filter(found => isMeant(draft, found))
    .sort((a, b) => byCodeUnit(a.schema.name, b.schema.name))
  if (serverVersionNum === null || drafts.some(found => !found.named))
    throw misbehaved('rows that do not belong together')
  const snapshot: Snapshot = {
    version: SNAPSHOT_FORMAT,
    schemasAsked: request.schemas && sorted(request.schemas),
    excludedSchemas: request.schemas ? [] : sorted(request.excludedSchemas),
    findings: findingsOf(draft),
    extensions: draft.extensions.sort(byName),
    ...(draft.publications.length > 0 ? { publications: draft.publications.sort(byName) } : {}),
    ...(draft.servers.length > 0 ? { servers: usedServers(draft) } : {}),
    ...(draft.others.length > 0 ? { others: draft.others.sort(byName) } : {}),
    schemas: drafts.map(found => schemaOf(found, draft)),
    observed: {
      serverVersionNum,
      hidden: { schemas: draft.unusable.size, ...draft.hidden },
      estimates: drafts
        .filter(found => found.relations.length > 0)
        .map(({ schema, relations }) => ({ schema: schema.name, relations: relations.map(one => one.estimate) })),
      members: draft.members.sort((a, b) => byCodeUnit(JSON.stringify(a), JSON.stringify(b))),
    },
  }
  const { relations } = draft
  if (relations.hasTwins() || hasTwins(snapshot, 'snapshot', relations.written))
    throw misbehaved('two objects of one name')
  return snapshot
}

function schemaOf(found: SchemaDraft, draft: CatalogDraft): SchemaSnapshot {
  const { schema, sequences, functions, others } = found
  const { types, relations } = draft
  const columnTypes = [...relations.typesIn(schema.name)]
  const isBased = columnTypes.some(type => types.baseOf(type) !== null)
  found.relations.sort((a, b) => byName(a.relation, b.relation))
  schema.relations = found.relations.map(one => one.relation)
  for (const relation of schema.relations) {
    if (isBased) addBases(relation, draft)
    const { policies, triggers, rules, published, partitions } = relation
    for (const list of [policies, triggers, rules, published, partitions]) list?.sort(byName)
  }
  const { enums, domains, composites, ranges } = types.of(schema.name, columnTypes)
  if (enums.length > 0) schema.enums = enums.sort(byName)
  if (domains.length > 0) schema.domains = domains.sort(byName)
  if (composites.length > 0) schema.composites = composites.sort(byName)
  if (ranges.length > 0) schema.ranges = ranges.sort(byName)
  if (functions.length > 0) schema.functions = functions.sort(byName)
  if (sequences.length > 0) schema.sequences = sequences.sort(byName)
  if (others.length > 0) schema.others = others.sort(byName)
  return schema
}

/** Sets the base type of each column whose type is a foreign domain. */
function addBases(relation: Relation, { types, relations }: CatalogDraft): void {
  for (const column of relation.columns) {
    const base = types.baseOf(column.type)
    if (base === null) continue
    column.base = base
    relations.written.delete(relation.columns)
    relations.written.delete(relation)
  }
}

/** A schema created by an extension belongs to the extension, unless it was requested or contains other objects. */
function isMeant({ request, types }: CatalogDraft, found: SchemaDraft): boolean {
  const { schema, relations, sequences, functions, others } = found
  if (schema.extension === undefined || request.schemas?.includes(schema.name) === true) return true
  return [relations, sequences, functions, others].some(list => list.length > 0) || types.hasOwn(schema.name)
}

/** The servers that this snapshot's foreign tables use, without those of other schemas. */
function usedServers(draft: CatalogDraft): Server[] {
  const used = new Set<string>()
  for (const { relations } of draft.schemas.values()) {
    for (const { server, partitions } of relations.map(one => one.relation)) {
      for (const name of [server, ...(partitions ?? []).map(one => one.server)]) if (name !== undefined) used.add(name)
    }
  }
  return draft.servers.filter(({ name }) => used.has(name)).sort(byName)
}

function findingsOf(draft: CatalogDraft): Finding[] {
  return sorted(draft.request.schemas ?? []).flatMap((schema): Finding[] => {
    if (isSystemSchema(schema)) return [{ schema, finding: 'system' }]
    if (draft.unusable.has(schema)) return [{ schema, finding: 'no_usage' }]
    return draft.schemas.has(schema) ? [] : [{ schema, finding: 'unknown' }]
  })
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort(byCodeUnit)
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return byCodeUnit(a.name, b.name)
}
