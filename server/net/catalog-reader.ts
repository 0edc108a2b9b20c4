/**
 * Rows of the catalog query → a snapshot, one at a time and within limits.
 *
 * The rows come from a server that may be hostile: each is checked before it counts, nothing of one gets into an error,
 * and what was not asked for is refused. The worker's introspection creates one for each reading.
 */
import { Fault } from '#shared/fault.ts'
import type { Domain, Enum, Estimate, Extension, Finding, SchemaSnapshot, Sequence, Snapshot } from '#shared/snapshot.ts'
import { byCodeUnit, hasTwins } from '#shared/snapshot-parts.ts'
import { type CatalogRequest, covers, isSystemSchema } from './catalog.ts'
import { domainOf, enumOf, relationOf, sequenceOf } from './catalog-relation.ts'
import { WireRow } from './catalog-wire.ts'

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

interface SchemaDraft extends SchemaSnapshot {
  readonly sequences: Sequence[]
  readonly estimates: Estimate[]
}

interface Owned<T> {
  readonly schema: string
  readonly type: T
}

interface Draft {
  readonly request: CatalogRequest
  readonly schemas: Map<string, SchemaDraft>
  readonly unusable: Set<string>
  readonly extensions: Extension[]
  readonly enums: Map<string, Owned<Enum>>
  readonly domains: Map<string, Owned<Domain>>
  serverVersionNum: number | null
  hidden: { relations: number; sequences: number }
}

/** Begins a reading: the request is the one that `catalogSql` was given. */
export function createCatalogReader(request: CatalogRequest, limits: CatalogLimits): CatalogReader {
  const draft: Draft = {
    request,
    schemas: new Map(),
    unusable: new Set(),
    extensions: [],
    enums: new Map(),
    domains: new Map(),
    serverVersionNum: null,
    hidden: { relations: 0, sequences: 0 },
  }
  let bytes = 0
  let relations = 0
  return {
    row(text) {
      bytes += Buffer.byteLength(text)
      if (bytes > limits.maxBytes) throw tooLarge('maxBytes', limits.maxBytes)
      const row = parsed(text)
      if (row.k === 'relation') relations += 1
      if (relations > limits.maxRelations) throw tooLarge('maxRelations', limits.maxRelations)
      take(draft, row)
    },
    finish: () => finish(draft),
  }
}

function tooLarge(limit: keyof CatalogLimits, max: number): Fault {
  const message = 'The schemas hold more than is read at once. Ask for fewer of them by "schemas", or exclude some.'
  return new Fault('introspection_failed', { issues: [{ path: ['schemas'], code: 'too_large', message, ctx: { [limit]: max } }] })
}

function misbehaved(what: string): Fault {
  return new Fault('server_misbehaved', { cause: new Error(`catalog: ${what}`) })
}

function parsed(text: string): WireRow {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw misbehaved('a row that is not JSON')
  }
  const row = WireRow.safeParse(value)
  if (!row.success) throw misbehaved('a row of another shape')
  return row.data
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
      const { relations, estimates } = schemaOf(draft, row.schema)
      relations.push(relationOf(row))
      estimates.push(estimateOf(row))
      return
    }
    case 'hidden':
      draft.hidden = { relations: row.relations, sequences: row.sequences }
      return
    case 'enum':
      draft.enums.set(row.name, { schema: row.schema, type: enumOf(row) })
      return
    case 'domain':
      draft.domains.set(row.name, { schema: row.schema, type: domainOf(row) })
      return
    case 'sequence':
      schemaOf(draft, row.schema).sequences.push(sequenceOf(row))
  }
}

function takeSchema(draft: Draft, row: { name: string; usable: boolean; comment: string | null }): void {
  if (!covers(draft.request, row.name) || draft.schemas.has(row.name)) throw misbehaved('a schema not asked for')
  if (!row.usable) {
    draft.unusable.add(row.name)
    return
  }
  const schema: SchemaDraft = { name: row.name, relations: [], sequences: [], estimates: [] }
  if (row.comment !== null) schema.comment = row.comment
  draft.schemas.set(row.name, schema)
}

function schemaOf(draft: Draft, name: string): SchemaDraft {
  const schema = draft.schemas.get(name)
  if (!schema) throw misbehaved('an object of a schema that it did not name')
  return schema
}

function estimateOf(row: { name: string; rows: number | null; bytes: number | null; partitions: number | null }): Estimate {
  // Less than zero is PostgreSQL's word for "never counted" (14 and later).
  const rows = row.rows === null || row.rows < 0 ? null : Math.round(row.rows)
  const estimate: Estimate = { name: row.name, rows, bytes: row.bytes ?? 0 }
  return row.partitions === null ? estimate : { ...estimate, partitions: row.partitions }
}

function finish(draft: Draft): Snapshot {
  if (draft.serverVersionNum === null) throw misbehaved('no first row')
  const drafts = [...draft.schemas.values()].sort(byName)
  ...
}
