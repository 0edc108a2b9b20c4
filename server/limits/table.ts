/**
 * The table *Limits*: everything whose size a stranger determines, with its bound. `npm run dump` writes it to
 * `docs/limits.md`, and `test/house/limits-table.test.ts` fails for a queue, map, table or loop over a stranger's input
 * that is missing from it.
 */
import { DIAL_LIMITS } from './dials.ts'
import type { Limit } from './limit.ts'
import { REQUEST_LIMITS } from './requests.ts'
import { STORAGE_LIMITS } from './storage.ts'
import { STREAM_LIMITS } from './streams.ts'

/** The sections of the table, by their headings. */
export const LIMITS: Readonly<Record<string, readonly Limit[]>> = {
  Requests: REQUEST_LIMITS,
  Streams: STREAM_LIMITS,
  Storage: STORAGE_LIMITS,
  "Customers' servers and endpoints": DIAL_LIMITS,
}
