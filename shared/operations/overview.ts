/**
 * The current state of an installation, or of one organization in it: the answer of `operations.overview`. It is read
 * only from tables, so any web process can answer.
 */
import { z } from 'zod'
import { Timestamp } from '#shared/base/wire.ts'

/** A worker that has recently updated its row. */
const SeenWorker = z.object({ version: z.string(), startedAt: Timestamp, seenAt: Timestamp })

/**
 * `scope` says whether the figures cover the installation or one organization; only an installation has `workers.list`.
 * `queue` counts due tasks by priority, each up to `countedTo`; `datasources` has a limit of its own. `checks` are per
 * minute for the last 60 minutes, oldest first; `failures` cover the last day. If there are more verifications than are
 * read, only the newest are counted, and `since` is the time of the oldest of them.
 */
export const Overview = z.object({
  scope: z.enum(['installation', 'organization']),
  at: Timestamp,
  workers: z.object({ isSeen: z.boolean(), list: z.array(SeenWorker).nullable() }),
  queue: z.object({
    countedTo: z.number().int(),
    priorities: z.array(z.object({ priority: z.string(), due: z.number().int(), oldestAt: Timestamp.nullable() })),
  }),
  datasources: z.object({
    countedTo: z.number().int(),
    active: z.number().int(),
    unverified: z.number().int(),
    rejected: z.number().int(),
  }),
  checks: z.array(z.object({ minute: Timestamp, passed: z.number().int(), failed: z.number().int() })),
  failures: z.object({
    since: Timestamp,
    byReason: z.array(z.object({ reason: z.string(), count: z.number().int() })),
  }),
})
export type Overview = z.output<typeof Overview>
