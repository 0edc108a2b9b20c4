/**
 * The worker's end of an introspection: sends the last snapshot's bytes to a dialling process and receives those of the
 * new one. It parses neither. Called by the dialler.
 */
import { z } from 'zod'
import { tooLarge } from '#server/net/catalog/catalog-wire.ts'
import type { FinishedSnapshot, LastSnapshot } from '#server/net/catalog/finish-catalog.ts'
import type { DescribeEnd, DescribeRequest } from '#server/net/catalog/read-catalog.ts'
import type { DialPool } from '#server/net/process/dial-pool.ts'
import { Fault, isFaultCode } from '#shared/faults/fault.ts'
import { isSnapshotBound, SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'

/** A request to read a catalog, and the snapshot for comparison. */
export interface CatalogAsk extends Omit<DescribeRequest, 'last'> {
  /** Null or omitted if there is none. */
  readonly last?: LastSnapshot | null
}

/** The end of an introspection. */
export interface CatalogRead extends Omit<DescribeEnd, 'finding'> {
  readonly finding:
    | { readonly snapshot: FinishedSnapshot; readonly digest: string | null }
    | { readonly unchanged: true }
    | { readonly fault: Fault }
    | null
}

/** Compressed content and estimates: incompressible data grows by a few bytes in a thousand. */
const MAX_FINISHED_BYTES = 2 * SNAPSHOT_BOUNDS.maxBytes

const amount = z.number().int().nonnegative()
const Finished = z.object({
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  tableCount: amount,
  drift: z.object({ breaking: amount, risky: amount, safe: amount }).nullable(),
  contentBytes: amount,
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
})

/** Reads a catalog through a process of the pool. Never rejects. */
export async function readCatalogThrough(
  pool: DialPool,
  { last = null, ...asked }: CatalogAsk,
  waitMs?: number,
): Promise<CatalogRead> {
  const started = performance.now()
  const head = last === null ? null : { fingerprint: last.fingerprint, contentBytes: last.content.length }
  const request = { ...asked, last: head } satisfies DescribeRequest
  const pieces: Buffer[] = []
  const job = {
    asked: { kind: 'describe', request } as const,
    deadlineMs: asked.deadlineMs,
    ahead: last === null ? null : Buffer.concat([last.content, last.observed]),
    maxBytes: MAX_FINISHED_BYTES,
    onBytes: (piece: Buffer) => void pieces.push(piece),
  }
  const end = await pool.run(job, waitMs)
  if (typeof end !== 'object')
    return { failure: { code: end }, address: null, tookMs: Math.round(performance.now() - started), finding: null }
  // Sound: the process answers a catalog request with a catalog answer.
  const answer = end.answer as DescribeEnd
  if (answer.finding === null) return { ...answer, finding: null }
  // Only what was asked about can be unchanged.
  if ('unchanged' in answer.finding && typeof asked.digest === 'string')
    return { ...answer, finding: { unchanged: true } }
  return { ...answer, finding: findingOf(answer.finding, pieces) }
}

/** The process that sent this has read a stranger's rows, so its answer's shape is not trusted. */
function findingOf(said: NonNullable<DescribeEnd['finding']>, pieces: readonly Buffer[]): CatalogRead['finding'] {
  if ('fault' in said) {
    const { fault, bound } = said
    if (bound !== null && isSnapshotBound(bound.name)) return { fault: tooLarge(bound.name, Number(bound.max)) }
    return { fault: new Fault(isFaultCode(fault) ? fault : 'server_misbehaved') }
  }
  const head = Finished.safeParse(said)
  const bytes = Buffer.concat(pieces)
  if (!head.success || head.data.contentBytes > bytes.length) return { fault: new Fault('server_misbehaved') }
  const { contentBytes, digest, ...rest } = head.data
  const [content, observed] = [bytes.subarray(0, contentBytes), bytes.subarray(contentBytes)]
  return { snapshot: { ...rest, content, observed }, digest }
}
