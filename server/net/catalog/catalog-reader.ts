/**
 * Builds a snapshot from the rows of the catalog query, one row at a time and within limits.
 *
 * The rows come from a server that may be hostile: each is validated before use, no part of a row reaches an error, and
 * unrequested objects are rejected. The worker's introspection creates one reader for each reading.
 */

import type { WireObject, WirePart, WireRow, WireSchema } from '#server/net/catalog/wire/catalog-shapes.ts'
import type { Estimate, Snapshot } from '#shared/schemas/snapshot.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import type { WrittenParts } from '#shared/schemas/snapshot-canonical.ts'
import type { CatalogRequest } from './catalog.ts'
import { compositeOf, otherOf, publicationOf, rangeOf, routineOf, serverOf } from './catalog-database.ts'
import { type CatalogDraft, draftOf, finish } from './catalog-draft.ts'
import { domainOf, enumOf, sequenceOf } from './catalog-object.ts'
import { createCatalogRelations } from './catalog-relation.ts'
import { createCatalogTypes } from './catalog-types.ts'
import { parseRow, tooLarge } from './catalog-wire.ts'

/** The limits of a catalog. Bytes count the UTF-8 text of the rows. */
export interface CatalogLimits {
  readonly maxBytes: number
  readonly maxRelations: number
}

/** Consumes the rows of one reading. */
export interface CatalogReader {
  /**
   * Consumes the text of one row.
   *
   * @throws {Fault} `introspection_failed` past a limit, with the limit as its issue; `server_misbehaved` for a row
   * that our query cannot produce. The reader must not be used afterwards.
   */
  row(text: string): void
  /** The snapshot, in canonical order. Throws the fault `server_misbehaved` if the rows are inconsistent. */
  finish(): Snapshot
  /** The canonical texts of some relations and lists of that snapshot, serialised while it was read. */
  readonly written: WrittenParts
}

/** Starts a reading; `request` is the one passed to `catalogSql`. */
export function createCatalogReader(request: CatalogRequest, limits: CatalogLimits): CatalogReader {
  const draft: CatalogDraft = {
    request,
    schemas: new Map(),
    unusable: new Set(),
    extensions: [],
    publications: [],
    servers: [],
    others: [],
    members: [],
    types: createCatalogTypes(),
    relations: createCatalogRelations(),
    early: [],
    serverVersionNum: null,
    isUtf8: true,
    hidden: { relations: 0, columns: 0, sequences: 0 },
  }
  let bytes = 0
  let [relations, objects] = [0, 0]
  return {
    row(text) {
      bytes += Buffer.byteLength(text)
      if (bytes > limits.maxBytes) throw tooLarge('maxBytes', limits.maxBytes)
      const row = parseRow(text, draft.isUtf8)
      if (row.k === 'relation') relations += 1
      if (relations > limits.maxRelations) throw tooLarge('maxRelations', limits.maxRelations)
      if (COUNTED.has(row.k)) objects += 1
      if (objects > SNAPSHOT_BOUNDS.maxObjects) throw tooLarge('maxObjects')
      take(draft, row)
    },
    finish: () => finish(draft),
    written: draft.relations.written,
  }
}

/** Kinds of rows whose number is limited across all schemas. */
const COUNTED: ReadonlySet<WireRow['k']> = new Set(['partition', 'function', 'member', 'other'])

function take(draft: CatalogDraft, row: WireRow): void {
  switch (row.k) {
    case 'head':
      draft.serverVersionNum = row.version
      draft.isUtf8 = (row.encoding ?? 'UTF8') === 'UTF8'
      return
    case 'schema':
      takeSchema(draft, row)
      return
    case 'extension':
      draft.extensions.push({
        ...{ name: row.name, version: row.version, schema: row.schema },
        ...(row.requires === null ? {} : { requires: row.requires }),
      })
      return
    case 'relation': {
      draftOf(draft, row.schema).relations.push({ relation: draft.relations.add(row), estimate: estimateOf(row) })
      return
    }
    case 'hidden':
      draft.hidden = { relations: row.relations, columns: row.columns, sequences: row.sequences }
      return
    case 'enum':
      draft.types.addEnum(row.schema, enumOf(row))
      return
    case 'domain':
      if (row.foreign === true) draft.types.addForeign(row.name, row.type)
      else draft.types.addDomain(row.schema, domainOf(row))
      return
    case 'sequence':
      draftOf(draft, row.schema).sequences.push(sequenceOf(row))
      return
    default:
      if (!isPart(row)) takeObject(draft, row)
      else if (!draft.relations.extend(row)) draft.early.push(row)
  }
}

/** True for an additional row of a relation; only these identify one by its object identifier. */
function isPart(row: WirePart | WireObject): row is WirePart {
  return 'id' in row
}

function takeObject(draft: CatalogDraft, row: WireObject): void {
  switch (row.k) {
    case 'composite':
      draft.types.addComposite(row.schema, compositeOf(row))
      return
    case 'range':
      draft.types.addRange(row.schema, rangeOf(row))
      return
    case 'function':
      draftOf(draft, row.schema).functions.push(routineOf(row))
      return
    case 'publication':
      draft.publications.push(publicationOf(row))
      return
    case 'server':
      draft.servers.push(serverOf(row))
      return
    case 'other': {
      const others = row.schema === null ? draft.others : draftOf(draft, row.schema).others
      others.push(otherOf(row))
      return
    }
    case 'member': {
      const { k: _, ...member } = row
      draft.members.push(member)
    }
  }
}

function takeSchema(draft: CatalogDraft, row: WireSchema): void {
  if (!row.usable) {
    draft.unusable.add(row.name)
    return
  }
  const found = draftOf(draft, row.name)
  found.named = true
  if (row.comment !== null) found.schema.comment = row.comment
  if (row.extension !== null) found.schema.extension = row.extension
}

function estimateOf(row: {
  name: string
  rows: number | null
  bytes: number | null
  partitions: number | null
}): Estimate {
  // PostgreSQL uses a negative number for "never counted" (14 and later).
  const rows = row.rows === null || row.rows < 0 ? null : Math.round(row.rows)
  const estimate: Estimate = { name: row.name, rows, bytes: row.bytes ?? 0 }
  return row.partitions === null ? estimate : { ...estimate, partitions: row.partitions }
}
