/**
 * The worker's end of an introspection dial: lines of bytes → a snapshot, within limits. What a hostile catalog sends ends
 * as a fault and is never quoted.
 */
import { Fault } from '#shared/fault.ts'
import type { Snapshot } from '#shared/snapshot.ts'
import type { CatalogRequest } from './catalog.ts'
import { createCatalogReader } from './catalog-reader.ts'
import { MAX_CATALOG_BYTES } from './describe.ts'

const MAX_RELATIONS = 100_000

/** Takes the bytes of one reading. */
export interface CatalogLines {
  take(piece: Buffer): void
  /** The snapshot, or the fault that it came to. */
  finish(): { readonly snapshot: Snapshot } | { readonly fault: Fault }
}

/** Begins a reading. After a fault the rest is taken and ignored. */
export function createCatalogLines(request: CatalogRequest): CatalogLines {
  const reader = createCatalogReader(request, { maxBytes: MAX_CATALOG_BYTES, maxRelations: MAX_RELATIONS })
  let rest: Buffer[] = []
  let fault: Fault | null = null
  const guarded = <T>(work: () => T): T | null => {
    try {
      return work()
    } catch (thrown) {
      fault ??= thrown instanceof Fault ? thrown : new Fault('server_misbehaved', { cause: thrown })
      return null
    }
  }
  return {
    take(piece) {
      for (let at = 0; fault === null && at < piece.length; ) {
        const end = piece.indexOf(10, at)
        rest.push(piece.subarray(at, end === -1 ? piece.length : end))
        if (end === -1) return
        const line = Buffer.concat(rest).toString('utf8')
        rest = []
        guarded(() => reader.row(line))
        at = end + 1
      }
    },
    finish() {
      const snapshot = fault === null ? guarded(() => reader.finish()) : null
      return snapshot === null ? { fault: fault ?? new Fault('server_misbehaved') } : { snapshot }
    },
  }
}
