/**
 * Rows of the catalog query → a snapshot, one at a time and within limits.
 *
 * The rows come from a server that may be hostile: each is checked before it counts, nothing of one gets into an error,
 * and what was not asked for is refused. The worker's introspection creates one for each reading.
 */
import { Fault } from '#shared/fault.ts'
import type { Estimate, Extension, Finding, SchemaSnapshot, Sequence, Snapshot } from '#shared/snapshot.ts'
import { byCodeUnit, hasTwins } from '#shared/snapshot-parts.ts'
import { type CatalogRequest, isCovered, isSystemSchema } from './catalog.ts'
import { domainOf, enumOf, relationOf, sequenceOf } from './catalog-relation.ts'
import { type CatalogTypes, createCatalogTypes } from './catalog-types.ts'
import { misbehaved, parseRow, type WireRow } from './catalog-wire.ts'

/** How much a catalog may hold. Bytes are those of the rows' text in UTF-8. */
export interface CatalogLimits {
  readonly maxBytes: number
  readonly maxRelations: number
}

/** Takes the rows of one reading. */
export interface CatalogReader {
  /**
   * Takes the text of one row.
   *
   * @throws {Fault} `introspection_failed` past a limit, with the limit as its issue; `server_misbehaved` for a row that
   *   our query does not give. Nothing is to be read from then on.
   */
  row(text: string): void
  /** The snapshot, in canonical order. Throws the fault `server_misbehaved` when the rows do not make one. */
  finish(): Snapshot
}

/** What was read of one schema; `named` once its own row came, whatever the order of the rows. */
interface SchemaDraft {
  readonly schema: SchemaSnapshot
  readonly sequences: Sequence[]
  readonly estimates: Estimate[]
  named: boolean
}

interface Draft {
  readonly request: CatalogRequest
  readonly schemas: Map<string, SchemaDraft>
  readonly unusable: Set<string>
  readonly extensions: Extension[]
  readonly types: CatalogTypes
  serverVersionNum: number | null
  hidden: { relations: number; sequences: number }
  concealedColumns: number
}

/** Begins a reading: the request is the one that `catalogSql` was given. */
export function createCatalogReader(request: CatalogRequest, limits: CatalogLimits): CatalogReader {
  const draft: Draft = {
    request,
    schemas: new Map(),
    unusable: new Set(),
    extensions: [],
    types: createCatalogTypes(),
    serverVersionNum: null,
    hidden: { relations: 0, sequences: 0 },
    concealedColumns: 0,
  }
  let bytes = 0
  let relations = 0
  return {
    row(text) {
      bytes += Buffer.byteLength(text)
      if (bytes > limits.maxBytes) throw tooLarge('maxBytes', limits.maxBytes)
      const row = parseRow(text)
      if (row.k === 'relation') relations += 1
      if (relations > limits.maxRelations) throw tooLarge('maxRelations', limits.maxRelations)
      take(draft, row)
    },
    finish: () => finish(draft),
  }
}

function tooLarge(limit: keyof CatalogLimits, max: number): Fault {
  const message = 'The schemas hold more than is read at once. Ask for fewer of them by "schemas", or exclude some.'
  return new Fault('introspection_failed', {
    issues: [{ path: ['schemas'], code: 'too_large', message, ctx: { [limit]: max } }],
  })
}

function take(draft: Draft, row: WireRow): void {
  switch (row.k) {
    case 'head':
      draft.serverVersionNum = row.version
      return
    case 'schema':
      takeSchema(draft, row)
      return
    case 'extension':
      draft.extensions.push({ name: row.name, version: row.version, schema: row.schema })
      return
    case 'relation': {
      const { schema, estimates } = draftOf(draft, row.schema)
      schema.relations.push(relationOf(row))
      estimates.push(estimateOf(row))
      draft.concealedColumns += row.concealed
      return
    }
    case 'hidden':
      draft.hidden = { relations: row.relations, sequences: row.sequences }
      return
    case 'enum':
      draft.types.addEnum(row.schema, enumOf(row))
      return
    case 'domain':
      draft.types.addDomain(row.schema, domainOf(row))
      return
    case 'sequence':
      draftOf(draft, row.schema).sequences.push(sequenceOf(row))
  }
}

function takeSchema(draft: Draft, row: { name: string; usable: boolean; comment: string | null }): void {
  if (!row.usable) {
    draft.unusable.add(row.name)
    return
  }
  const found = draftOf(draft, row.name)
  found.named = true
  if (row.comment !== null) found.schema.comment = row.comment
}

function draftOf(draft: Draft, name: string): SchemaDraft {
  const known = draft.schemas.get(name)
  if (known) return known
  if (!isCovered(draft.request, name)) throw misbehaved('a schema that was not asked for')
  const made: SchemaDraft = { schema: { name, relations: [] }, sequences: [], estimates: [], named: false }
  draft.schemas.set(name, made)
  return made
}

function estimateOf(row: {
  name: string
  rows: number | null
  bytes: number | null
  partitions: number | null
}): Estimate {
  // Less than zero is PostgreSQL's word for "never counted" (14 and later).
  const rows = row.rows === null || row.rows < 0 ? null : Math.round(row.rows)
  const estimate: Estimate = { name: row.name, rows, bytes: row.bytes ?? 0 }
  return row.partitions === null ? estimate : { ...estimate, partitions: row.partitions }
}

function finish(draft: Draft): Snapshot {
  const { request, serverVersionNum } = draft
  const drafts = [...draft.schemas.values()].sort((a, b) => byCodeUnit(a.schema.name, b.schema.name))
  if (serverVersionNum === null || drafts.some(found => !found.named))
    throw misbehaved('rows that do not belong together')
  const snapshot: Snapshot = {
    version: 1,
    schemasAsked: request.schemas && sorted(request.schemas),
    excludedSchemas: request.schemas ? [] : sorted(request.excludedSchemas),
    findings: findingsOf(draft),
    extensions: draft.extensions.sort(byName),
    schemas: drafts.map(found => schemaOf(found, draft.types)),
    observed: {
      serverVersionNum,
      hidden: { schemas: draft.unusable.size, columns: draft.concealedColumns, ...draft.hidden },
      estimates: drafts
        .filter(found => found.estimates.length > 0)
        .map(({ schema, estimates }) => ({ schema: schema.name, relations: estimates.sort(byName) })),
    },
  }
  if (hasTwins(snapshot, 'snapshot')) throw misbehaved('two objects of one name')
  return snapshot
}

function schemaOf(found: SchemaDraft, types: CatalogTypes): SchemaSnapshot {
  const { schema, sequences } = found
  for (const { constraints, indexes, policies } of schema.relations.sort(byName)) {
    for (const list of [constraints, indexes, policies]) list?.sort(byName)
  }
  const { enums, domains } = types.of(schema)
  if (enums.length > 0) schema.enums = enums.sort(byName)
  if (domains.length > 0) schema.domains = domains.sort(byName)
  if (sequences.length > 0) schema.sequences = sequences.sort(byName)
  return schema
}

function findingsOf(draft: Draft): Finding[] {
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
