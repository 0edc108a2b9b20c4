/**
 * Counters of dials and of refused logins, in windows of time, shared by all workers. The worker takes from a budget before
 * it dials and charges it after a refused login.
 */
import { sql } from 'kysely'
import type { Budget } from '#server/domain/dial-budget.ts'
import type { Db } from './db.ts'

/** Counts one use of each budget, and answers whether every one of them allowed it. */
export async function take(db: Db, budgets: readonly Budget[], now: Date): Promise<boolean> {
  const used = await Promise.all(budgets.map(budget => count(db, budget, now)))
  return budgets.every((budget, at) => (used[at] ?? Number.POSITIVE_INFINITY) <= budget.limit)
}

async function count(db: Db, budget: Budget, now: Date): Promise<number> {
  const resetsAt = new Date(now.getTime() + budget.windowMs)
  const { rows } = await sql<{ used: number }>`
    insert into dial_budgets (key, used, resets_at) values (${budget.key}, 1, ${resetsAt})
    on conflict (key) do update set
      used = case when dial_budgets.resets_at <= ${now} then 1 else dial_budgets.used + 1 end,
      resets_at = case when dial_budgets.resets_at <= ${now} then ${resetsAt} else dial_budgets.resets_at end
    returning used
  `.execute(db)
  return rows[0]?.used ?? Number.POSITIVE_INFINITY
}

/** Whether every budget has something left; nothing is counted. */
export async function isLeft(db: Db, budgets: readonly Budget[], now: Date): Promise<boolean> {
  const keys = budgets.map(budget => budget.key)
  const rows = await db
    .selectFrom('dial_budgets')
    .select(['key', 'used'])
    .where('key', 'in', keys)
    .where('resets_at', '>', now)
    .execute()
  const used = new Map(rows.map(row => [row.key, row.used]))
  return budgets.every(budget => (used.get(budget.key) ?? 0) < budget.limit)
}

/** What stands behind one of the prefixes in keys whose budget is used up; at most 1,000, those that stay so longest. */
export async function exhausted(
  db: Db,
  of: readonly { readonly prefix: string; readonly limit: number }[],
  now: Date,
): Promise<string[]> {
  const rows = await db
    .selectFrom('dial_budgets')
    .select('key')
    .where(eb =>
      eb.or(
        of.map(({ prefix, limit }) =>
          eb.and([eb.fn<boolean>('starts_with', ['key', eb.val(prefix)]), eb('used', '>=', limit)]),
        ),
      ),
    )
    .where('resets_at', '>', now)
    .orderBy('resets_at', 'desc')
    .limit(1_000)
    .execute()
  return rows.map(({ key }) => key.slice(of.find(({ prefix }) => key.startsWith(prefix))?.prefix.length))
}

/** Forgets counters whose window is over. */
export async function sweep(db: Db, now: Date): Promise<void> {
  await db.deleteFrom('dial_budgets').where('resets_at', '<=', now).execute()
}
