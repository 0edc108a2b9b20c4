/**
 * Reads a test database's catalog as the worker does,
 * but through plain `pg`, and returns the rows from the wire.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { type CatalogRequest, catalogSql } from '#server/net/catalog/catalog.ts'
import { type CatalogLimits, createCatalogReader } from '#server/net/catalog/catalog-reader.ts'
import { finishSnapshot } from '#server/net/catalog/finish-catalog.ts'
import { unpackText } from '#server/net/catalog/packed-text.ts'
import type { SchemaSnapshot, Snapshot } from '#shared/schemas/snapshot.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import { canonicalText } from '#shared/schemas/snapshot-canonical.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'
import type { TestServer } from '#test/support/database/postgres.ts'

/** A request for everything in every schema. */
export const EVERYTHING: CatalogRequest = { schemas: null, excludedSchemas: [] }

/** Limits that no test reaches. */
export const AMPLE: CatalogLimits = { maxBytes: 1 << 26, maxRelations: 20_000 }

/** Connection string of another role, whose password is its name. */
export function asRole(url: string, role: string): string {
  const changed = new URL(url)
  changed.username = role
  changed.password = role
  return changed.href
}

/** The rows of the catalog query, read in one read-only transaction; `before` runs first, in the session. */
export async function catalogRows(url: string, sql: string, before = ''): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(before)
    await client.query('begin read only')
    // `pg` returns one result per statement, and a single one for one, which its types do not show.
    const results: pg.QueryResult<{ row: string }> | pg.QueryResult<{ row: string }>[] = await client.query(sql)
    return ([results].flat().at(-1)?.rows ?? []).map(({ row }) => row)
  } finally {
    await client.end()
  }
}

/** Reads a database. */
export async function readCatalog(
  url: string,
  request: CatalogRequest = EVERYTHING,
  options: { before?: string; limits?: CatalogLimits } = {},
): Promise<Snapshot> {
  const reader = createCatalogReader(request, options.limits ?? AMPLE)
  for (const row of await catalogRows(url, catalogSql(request), options.before)) reader.row(row)
  return reader.finish()
}

/** Reads rows: the text that is stored of them, that of their snapshot, and whether any of it was written before the last came. */
export function readRows(rows: readonly string[]): { stored: string; text: string; isWritten: boolean } {
  const reader = createCatalogReader(EVERYTHING, AMPLE)
  for (const row of rows) reader.row(row)
  const snapshot = reader.finish()
  const { content } = finishSnapshot(snapshot, null, reader.written)
  const stored = unpackText(content, SNAPSHOT_BOUNDS.maxBytes)
  return { stored, text: canonicalText(snapshot), isWritten: reader.written.size > 0 }
}

/** Creates a database with every feature of the server, and its role `reader`; returns the superuser's URL. */
export async function everyFeature(server: TestServer, major: number): Promise<string> {
  await server.query("create role reader login password 'reader'")
  const url = await server.createDatabase('features')
  for (const file of ['every-feature.sql', ...(major >= 18 ? ['every-feature-18.sql'] : [])]) {
    await server.query(await readFile(new URL(`../../fixtures/${file}`, import.meta.url), 'utf8'), 'features')
  }
  return url
}

/** SHA-256 of a text in hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The fingerprint of a snapshot. */
export function fingerprintOf(snapshot: Snapshot): string {
  return sha256(canonicalText(snapshot))
}

/** A schema of a snapshot, which must exist. */
export function schemaIn(snapshot: Snapshot, name: string): SchemaSnapshot {
  const schema = snapshot.schemas.find(candidate => candidate.name === name)
  if (!schema) throw new Error(`no schema ${name}`)
  return schema
}

/** A relation of a snapshot, which must exist. */
export function relationIn(snapshot: Snapshot, schema: string, name: string): Relation {
  const relation = schemaIn(snapshot, schema).relations.find(candidate => candidate.name === name)
  if (!relation) throw new Error(`no relation ${name}`)
  return relation
}
