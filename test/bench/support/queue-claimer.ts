/**
 * One of several workers that claim at once: claims full batches and settles them until it receives the signal to stop,
 * as if each dial took no time, and reports its claims. Started by `queue.ts`; `DATABASE_URL` names the database.
 */
import { env } from 'node:process'
import { openDb, transaction } from '#server/store/database/db.ts'
import * as claims from '#server/store/tasks/claims.ts'

const LIMIT = 8
const DAY_MS = 86_400_000

/** The final report of a claimer. */
export interface Claimed {
  /** One entry for each claim. */
  readonly ids: readonly string[]
  readonly batches: number
  readonly fullBatches: number
  /** Rounds in which others held the claim lock all the time. */
  readonly missed: number
  /** Milliseconds for each claimed batch. */
  readonly claimMs: readonly number[]
  readonly cpuMs: number
}

const db = openDb({ url: env['DATABASE_URL'] ?? '', size: LIMIT, setsDeadlines: true, onError: () => undefined })
const rounds: claims.Rounds = new Map()
const ids: string[] = []
const claimMs: number[] = []
let [batches, fullBatches, missed, isStopping] = [0, 0, 0, false]
process.on('message', () => {
  isStopping = true
})
process.send?.('ready')
for (let round = 0; !isStopping; round += 1) {
  const now = new Date()
  const startedAt = performance.now()
  const claimed = await claims.claim(db, {
    kinds: ['verify'],
    priorities: ['asked', 'scheduled'],
    ...{ limit: LIMIT, perOrganization: 3, held: [], leaseMs: 60_000, now },
    ...{ rounds, newestFirst: round % 2 === 0 },
  })
  claimMs.push(performance.now() - startedAt)
  if (claimed.length > 0) batches += 1
  else missed += 1
  if (claimed.length === LIMIT) fullBatches += 1
  ids.push(...claimed.map(one => one.id))
  const next = { dueAt: new Date(now.getTime() + DAY_MS), now, failed: false }
  await Promise.all(claimed.map(one => transaction(db, tx => claims.settle(tx, one, next))))
}
await db.destroy()
const { user, system } = process.cpuUsage()
const end: Claimed = { ids, batches, fullBatches, missed, claimMs, cpuMs: (user + system) / 1_000 }
process.send?.(end, () => process.disconnect())
