/**
 * Counters of dials and refused logins in time windows, shared by all workers. The worker takes from a budget before it
 * dials and charges it after a refused login.
 */
import { sql } from 'kysely'
import type { Budget, BudgetFamily } from '#server/domain/network/dial-budget.ts'
import { BATCH, batch, limited } from '#server/store/installation/batches.ts'
import type { Db } from '#server/store/tables/tables.ts'

/**
 * Takes one unit from each budget. If a budget is exhausted, returns the time at which all allow another unit,
 * otherwise null.
 */
export async function take(db: Db, budgets: readonly Budget[], now: Date): Promise<Date | null> {
  const used = await Promise.all(budgets.map(budget => charge(db, { budget, units: 1 }, now)))
  return latest(used.flatMap(({ used, resetsAt }, at) => (used > (budgets[at]?.limit ?? 0) ? [resetsAt] : [])))
}

/** Charges units to one budget in its current window and returns the total used. */
export async function charge(
  db: Db,
  { budget, units }: { readonly budget: Budget; readonly units: number },
  now: Date,
): Promise<{ used: number; resetsAt: Date }> {
  const resetsAt = new Date(now.getTime() + budget.windowMs)
  const { rows } = await sql<{ used: number; resetsAt: Date }>`
    insert into dial_budgets (key, used, resets_at) values (${budget.key}, ${units}::integer, ${resetsAt})
    on conflict (key) do update set
      used = case when dial_budgets.resets_at <= ${now} then ${units}::integer
        else least(dial_budgets.used, 1000000000) + ${units}::integer end,
      resets_at = case when dial_budgets.resets_at <= ${now} then ${resetsAt} else dial_budgets.resets_at end
    returning used, resets_at as "resetsAt"
  `.execute(db)
  return rows[0] ?? { used: Number.POSITIVE_INFINITY, resetsAt }
}

/** Returns units to each budget whose window has not ended. */
export async function giveBack(db: Db, budgets: readonly Budget[], units: number): Promise<void> {
  const keys = budgets.map(({ key }) => key).sort()
  for (const key of keys)
    await sql`update dial_budgets set used = greatest(0, used - ${units}::integer) where key = ${key}`.execute(db)
}

/** The time at which the last of the exhausted budgets has units again; null if none is exhausted. Counts nothing. */
export async function spentUntil(db: Db, budgets: readonly Budget[], now: Date): Promise<Date | null> {
  const keys = budgets.map(budget => budget.key)
  if (keys.length === 0) return null
  const rows = await db
    .selectFrom('dial_budgets')
    .select(['key', 'used', 'resets_at'])
    .where('key', 'in', keys)
    .where('resets_at', '>', now)
    .execute()
  const limits = new Map(budgets.map(budget => [budget.key, budget.limit]))
  return latest(rows.flatMap(row => (row.used >= (limits.get(row.key) ?? 0) ? [row.resets_at] : [])))
}

/** The units of a budget that are used. */
export async function used(db: Db, budget: Budget, now: Date): Promise<number> {
  const row = await db
    .selectFrom('dial_budgets')
    .select('used')
    .where('key', '=', budget.key)
    .where('resets_at', '>', now)
    .executeTakeFirst()
  return row?.used ?? 0
}

/**
 * The key suffixes of exhausted budgets, by family, with the time at which each ends; at most 1,000 per family, the
 * latest first.
 */
export async function spentIn(db: Db, families: readonly BudgetFamily[], now: Date): Promise<Map<string, Date>> {
  const found = new Map<string, Date>()
  const lists = await Promise.all(families.map(family => spentOf(db, family, now)))
  for (const [end, until] of lists.flat()) found.set(end, latest([until, found.get(end) ?? until]) ?? until)
  return found
}

async function spentOf(db: Db, { prefix, limit }: BudgetFamily, now: Date): Promise<[string, Date][]> {
  const rows = await db
    .selectFrom('dial_budgets')
    .select(['key', 'resets_at'])
    .where(eb => eb.fn<boolean>('starts_with', ['key', eb.val(prefix)]))
    .where('used', '>=', limit)
    .where('resets_at', '>', now)
    .orderBy('resets_at', 'desc')
    .limit(1_000)
    .execute()
  return rows.map(row => [row.key.slice(prefix.length), row.resets_at])
}

/** Deletes a counter; true if it existed in its current window. */
export async function remove(db: Db, budget: Budget, now: Date): Promise<boolean> {
  const row = await db
    .deleteFrom('dial_budgets')
    .where('key', '=', budget.key)
    .where('resets_at', '>', now)
    .returning('key')
    .executeTakeFirst()
  return row !== undefined
}

/** Deletes a batch of counters whose window has ended; returns true if more may remain. */
export function purgeExpired(db: Db, now: Date, size: number = BATCH): Promise<boolean> {
  return batch(
    db,
    size,
    sql`
      with old as (select key from dial_budgets where resets_at <= ${now} order by resets_at ${limited(size)})
      delete from dial_budgets b using old where b.key = old.key and b.resets_at <= ${now}`,
  )
}

function latest(times: readonly Date[]): Date | null {
  return times.reduce<Date | null>((last, time) => (last === null || time > last ? time : last), null)
}
