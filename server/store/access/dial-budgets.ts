/**
 * Counters of dials and refused logins in time windows, shared by all workers. The worker takes from a budget before it
 * dials and charges it after a refused login.
 */
import { sql } from 'kysely'
import type { Budget, BudgetFamily } from '#server/domain/network/dial-budget.ts'
import { BATCH, batch, limited } from '#server/store/installation/batches.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** Units to charge to a budget. */
export interface Charge {
  readonly budget: Budget
  readonly units: number
}

/** The units of a budget's current window that are used, and its end. */
export interface Used {
  readonly used: number
  readonly resetsAt: Date
}

/**
 * Takes one unit from each budget. If a budget is exhausted, returns the time at which all allow another unit,
 * otherwise null.
 */
export async function take(db: Db, budgets: readonly Budget[], now: Date): Promise<Date | null> {
  const charges = budgets.map(budget => ({ budget, units: 1 }))
  const used = await charge(db, charges, now)
  return latest(used.flatMap(({ used, resetsAt }, at) => (used > (budgets[at]?.limit ?? 0) ? [resetsAt] : [])))
}

/**
 * Charges units to different budgets in their current windows and returns the total used of each, in one statement: each
 * of its own would be a commit of its own. Rows are locked in the order of their keys, so that no two workers wait for
 * each other.
 */
export async function charge(db: Db, charges: readonly Charge[], now: Date): Promise<Used[]> {
  const keys = charges.map(({ budget }) => budget.key)
  const units = charges.map(one => one.units)
  const ends = charges.map(({ budget }) => new Date(now.getTime() + budget.windowMs))
  const { rows } = await sql<Used & { key: string }>`
    insert into dial_budgets (key, used, resets_at)
    select key, units, ends from unnest(${keys}::text[], ${units}::integer[], ${ends}::timestamptz[]) as charged (key, units, ends)
    order by key
    on conflict (key) do update set
      used = case when dial_budgets.resets_at <= ${now} then excluded.used
        else least(dial_budgets.used, 1000000000) + excluded.used end,
      resets_at = case when dial_budgets.resets_at <= ${now} then excluded.resets_at else dial_budgets.resets_at end
    returning used, resets_at as "resetsAt", key
  `.execute(db)
  return charges.map(one => rows.find(({ key }) => key === one.budget.key) ?? unknown(one, now))
}

/** A count that could not be read counts as exhausted. */
function unknown({ budget }: Charge, now: Date): Used {
  return { used: Number.POSITIVE_INFINITY, resetsAt: new Date(now.getTime() + budget.windowMs) }
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

/** The units of a budget that are used, and the end of its window; undefined if none are. */
export async function read(db: Db, budget: Budget, now: Date): Promise<Used | undefined> {
  return db
    .selectFrom('dial_budgets')
    .select(['used', 'resets_at as resetsAt'])
    .where('key', '=', budget.key)
    .where('resets_at', '>', now)
    .executeTakeFirst()
}

/**
 * The key suffixes of exhausted budgets, by family, with the time at which each ends; at most 1,000 per family, the
 * latest first. One statement: it reads all current counters, and compares few of them with the prefixes.
 */
export async function spentIn(db: Db, families: readonly BudgetFamily[], now: Date): Promise<Map<string, Date>> {
  const prefixes = families.map(({ prefix }) => prefix)
  const limits = families.map(({ limit }) => limit)
  const { rows } = await sql<{ end: string; until: Date }>`
    select suffix as "end", max(resets_at) as until from (
      select substr(b.key, length(f.prefix) + 1) as suffix, b.resets_at,
        row_number() over (partition by f.prefix order by b.resets_at desc) as place
      from dial_budgets b
      join unnest(${prefixes}::text[], ${limits}::integer[]) as f (prefix, spent) on b.used >= f.spent and starts_with(b.key, f.prefix)
      where b.used >= ${Math.min(...limits)}::integer and b.resets_at > ${now}
    ) as found where place <= 1000 group by suffix
  `.execute(db)
  return new Map(rows.map(({ end, until }) => [end, until]))
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
