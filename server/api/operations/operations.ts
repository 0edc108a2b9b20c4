/**
 * `operations.overview`: the current state of operations. The console's own key on a local installation sees the
 * installation; any other key with `organization.read` sees only its own organization's figures.
 */
import { z } from 'zod'
import type { KnownContext } from '#server/api/context.ts'
import { procedure, router } from '#server/api/procedure/trpc.ts'
import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import * as overviews from '#server/store/operations/overview.ts'
import { queueDepths } from '#server/store/tasks/queue-depth.ts'
import { Overview } from '#shared/operations/overview.ts'

const STATEMENT_MS = 2_000
const MINUTE_MS = 60_000
const MINUTES = 60
const DAY_MS = 86_400_000

/** `operations.*`. */
export const operationsRouter = router({
  /** Workers, queue, checks and failures, from tables only. */
  overview: procedure('organization.read')
    .input(z.strictObject({}).optional())
    .output(Overview)
    .query(({ ctx }) => withDeadline(STATEMENT_MS, () => overview(ctx))),
})

async function overview(ctx: KnownContext): Promise<Overview> {
  const { clock, local } = ctx.deps
  const { db } = ctx
  const now = clock()
  const isAll = local !== null && (await local.isOwn(ctx.principal.id))
  const org = ctx.principal.organizationId
  const since = new Date(now.getTime() - DAY_MS)
  // One after the other: a page that is polled every few seconds uses one connection.
  const workers = await overviews.seenWorkers(db)
  const queue = isAll ? await queueDepths(db, now) : await overviews.queueOf(db, org, now)
  const statuses = isAll ? await overviews.statusesOfAll(db) : await overviews.statusesOf(db, org)
  const checks = isAll
    ? await overviews.checksOfAll(db, { at: since })
    : await overviews.checksOf(db, org, { at: since, id: idFloor(since) })
  return {
    scope: isAll ? 'installation' : 'organization',
    at: now.toISOString(),
    workers: { isSeen: workers.length > 0, list: isAll ? workers.map(presentWorker) : null },
    queue: {
      countedTo: overviews.MAX_COUNTED_TASKS,
      priorities: queue.map(({ priority, due, oldestAt }) => ({
        priority: PRIORITIES[priority] ?? 'other',
        due,
        oldestAt: oldestAt?.toISOString() ?? null,
      })),
    },
    datasources: { countedTo: overviews.MAX_COUNTED_ROWS, ...byStatus(statuses) },
    checks: byMinute(checks, now),
    failures: { since: sinceOf(checks, since).toISOString(), byReason: byReason(checks) },
  }
}

function presentWorker({ version, startedAt, seenAt }: { version: string; startedAt: Date; seenAt: Date }) {
  return { version, startedAt: startedAt.toISOString(), seenAt: seenAt.toISOString() }
}

function byStatus(counts: readonly overviews.StatusCount[]) {
  const of = (status: string) => counts.find(one => one.status === status)?.count ?? 0
  return { active: of('active'), unverified: of('unverified'), rejected: of('rejected') }
}

/** The last hour by minutes, including those without a check. */
function byMinute(checks: readonly overviews.CheckCount[], now: Date): Overview['checks'] {
  const last = Math.floor(now.getTime() / MINUTE_MS)
  const minutes = Map.groupBy(checks, ({ minute }) => Math.floor(minute.getTime() / MINUTE_MS))
  return Array.from({ length: MINUTES }, (_, at) => {
    const minute = last - MINUTES + 1 + at
    const within = minutes.get(minute) ?? []
    const passed = total(within.filter(({ outcome }) => outcome === 'passed'))
    return { minute: new Date(minute * MINUTE_MS).toISOString(), passed, failed: total(within) - passed }
  })
}

function byReason(checks: readonly overviews.CheckCount[]): Overview['failures']['byReason'] {
  const failed = checks.filter(({ outcome }) => outcome !== 'passed')
  const reasons = Map.groupBy(failed, ({ reason, outcome }) => reason ?? outcome)
  return [...reasons]
    .map(([reason, counts]) => ({ reason, count: total(counts) }))
    .sort((one, other) => other.count - one.count)
}

function total(counts: readonly overviews.CheckCount[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0)
}

/**
 * The start of the period in which failures are counted: if the limit on rows was reached, the time of the oldest row
 * read.
 */
function sinceOf(checks: readonly overviews.CheckCount[], since: Date): Date {
  return total(checks) < overviews.MAX_COUNTED_ROWS ? since : (checks[0]?.minute ?? since)
}

/** The smallest UUIDv7 of a time. */
function idFloor(at: Date): string {
  const hex = at.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
