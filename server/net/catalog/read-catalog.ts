/**
 * One introspection dial: reads the catalog row by row, within limits, and returns its stored form, so that no other
 * process has to parse it.
 *
 * Runs in a dialling process, which is killed at its deadline whatever it is doing.
 */

import type { DialContext } from '#server/net/postgres/dial-context.ts'
import { type SessionDial, withSession } from '#server/net/postgres/with-session.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { Failure } from '#shared/faults/failure.ts'
import { Fault, type FaultCode } from '#shared/faults/fault.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import { type CatalogRequest, catalogSql } from './catalog.ts'
import { type CatalogReader, createCatalogReader } from './catalog-reader.ts'
import { misbehaved } from './catalog-wire.ts'
import { type FinishedSnapshot, finishSnapshot, type LastSnapshot } from './finish-catalog.ts'
import { readDigest } from './read-digest.ts'

/** The maximum total size of a catalog's rows, in bytes. */
export const MAX_CATALOG_BYTES = 48 << 20
const LIMITS = { maxRowBytes: 4 << 20, maxRows: 400_000, maxTotalBytes: MAX_CATALOG_BYTES + (8 << 20) }

/**
 * The schemas to read, the credential, and the snapshot to compare with, whose `content` and then `observed` are sent
 * ahead.
 */
export interface DescribeRequest extends Omit<SessionDial, 'limits'> {
  readonly catalog: CatalogRequest
  readonly last: { readonly fingerprint: string; readonly contentBytes: number } | null
  /**
   * The digest of the last reading, null if unknown: if it is unchanged, nothing is read. If omitted, no digest is
   * computed.
   */
  readonly digest?: string | null
}

/** The result of reading the rows. For a snapshot, the bytes of `content` and then of `observed` are sent ahead. */
export type CatalogFinding =
  | (Omit<FinishedSnapshot, 'content' | 'observed'> & { readonly contentBytes: number; readonly digest: string | null })
  | { readonly unchanged: true }
  | { readonly fault: FaultCode; readonly bound: { readonly name: string; readonly max: number } | null }

/** The end of an introspection dial. `finding` is null if the dial itself failed. */
export interface DescribeEnd {
  readonly failure: Failure | null
  readonly address: string | null
  readonly tookMs: number
  readonly finding: CatalogFinding | null
}

/** Reads the catalog. Throws only for a bug in our own code. */
export async function readCatalog(request: DescribeRequest, context: DialContext): Promise<DescribeEnd> {
  const { catalog, last: asked, digest: known, ...dial } = request
  const reading = createReading(catalog)
  let digest: string | null = null
  const end = await withSession({ ...dial, limits: LIMITS }, context, async session => {
    // Before the rows: a change in between is read now, and detected once more the next time.
    if (known !== undefined) digest = await readDigest(session, catalog)
    if (digest !== null && digest === known) return 'unchanged'
    await session.stream(catalogSql(catalog), ([text]) => reading.take(text ?? ''))
    return 'read'
  })
  const { address, tookMs } = end
  // The reader gave up and closed the session itself, which is not a failure of the dial.
  const failure = reading.fault() === null ? end.failure : null
  if (failure !== null) return { failure, address, tookMs, finding: null }
  if (end.result === 'unchanged') return { failure, address, tookMs, finding: { unchanged: true } }
  const last = asked === null ? null : lastFrom(asked, context.received())
  const found = reading.finish(reader => finishSnapshot(reader.finish(), last, reader.written))
  if ('fault' in found) return { failure, address, tookMs, finding: found }
  const { content, observed, ...finding } = found
  await context.send(content)
  await context.send(observed)
  return { failure, address, tookMs, finding: { ...finding, digest, contentBytes: content.length } }
}

function lastFrom(asked: NonNullable<DescribeRequest['last']>, bytes: Uint8Array): LastSnapshot {
  const { fingerprint, contentBytes } = asked
  return { fingerprint, content: bytes.subarray(0, contentBytes), observed: bytes.subarray(contentBytes) }
}

/** Consumes rows until one is refused; its fault then becomes the result of the reading. */
function createReading(catalog: CatalogRequest) {
  const reader = createCatalogReader(catalog, {
    maxBytes: MAX_CATALOG_BYTES,
    maxRelations: SNAPSHOT_BOUNDS.maxRelations,
  })
  let fault: Fault | null = null
  const guarded = <T>(work: () => T): T | null => {
    try {
      return fault === null ? work() : null
    } catch (thrown) {
      fault = thrown instanceof Fault ? thrown : misbehaved('rows that could not be read')
      return null
    }
  }
  return {
    fault: () => fault,
    take(text: string): void | Promise<void> {
      guarded(() => reader.row(text))
      // A refused row ends the session: reading the rest is pointless.
      return fault === null ? undefined : Promise.reject(new SessionError('connection_lost'))
    },
    finish<T>(work: (reader: CatalogReader) => T): T | Extract<CatalogFinding, { fault: FaultCode }> {
      return guarded(() => work(reader)) ?? findingOf(fault ?? misbehaved('nothing'))
    },
  }
}

function findingOf({ code, issues }: Fault): Extract<CatalogFinding, { fault: FaultCode }> {
  const [bound] = Object.entries(issues[0]?.ctx ?? {})
  return { fault: code, bound: bound === undefined ? null : { name: bound[0], max: Number(bound[1]) } }
}
