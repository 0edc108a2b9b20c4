/**
 * How an installation, or one organization of it, does right now: the answer of `operations.overview`. Read from tables
 * alone, so that any web process can answer it.
 */
import { z } from 'zod'
import { Timestamp } from '#shared/base/wire.ts'

/** A worker that has written its row lately. */
const SeenWorker = z.object({ version: z.string(), startedAt: Timestamp, seenAt: Timestamp })

/**
 * `scope` says whose figures these are. `workers.list` is there for an installation alone. `queue` counts due tasks by
 * priority, each up to `countedTo`; `datasources` are counted up to theirs. `checks` are by minute, oldest first, the last 60 minutes; `failures` are of the last
 * day. Of more verifications than are read, the newest are counted: `since` is the oldest one's time.
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
