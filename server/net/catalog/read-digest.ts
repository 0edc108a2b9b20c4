/**
 * Detects whether a catalog may have changed: a digest of its rows' versions, of our own query and of the snapshot
 * format.
 *
 * A server that hides catalogs from the role has no digest, and is read each time. Called by `read-catalog.ts`.
 */
import { createHash } from 'node:crypto'
import { DIGEST_SQL, MAY_DIGEST_SQL } from '#server/net/catalog/sql/catalog-sql-digest.ts'
import type { Session } from '#server/net/postgres/session.ts'
import { SNAPSHOT_FORMAT } from '#shared/schemas/snapshot.ts'
import { type CatalogRequest, catalogSql } from './catalog.ts'

// Starting parallel workers would cost more than they save.
const ALONE = 'set local max_parallel_workers_per_gather = 0;'

/** The digest as lower-case hex; null if the role may not read every catalog. Throws `SessionError`. */
export async function readDigest(session: Session, catalog: CatalogRequest): Promise<string | null> {
  const [allowed] = await session.query(MAY_DIGEST_SQL)
  if (allowed?.[0]?.[0] !== 't') return null
  const [versions] = await session.query(`${ALONE}\n${DIGEST_SQL}`)
  const hash = createHash('sha256').update(`${SNAPSHOT_FORMAT}\n${versions?.[0]?.[0] ?? ''}\n`)
  return hash.update(catalogSql(catalog)).digest('hex')
}
