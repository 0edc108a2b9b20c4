/**
 * Month partitions of `verifications` and `audit_events`: created ahead and dropped whole, by functions of the tables'
 * owner that only the worker role may call. Each call changes one partition, and fails with 55P03 rather than waiting
 * long for a lock.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/** The tables that are partitioned by month. */
export type MonthlyTable = 'verifications' | 'audit_events'

/** Creates one missing month, up to three ahead; returns true if more may be missing. */
export async function make(db: Db): Promise<boolean> {
  const { rows } = await sql<{ made: boolean }>`select make_month() as made`.execute(db)
  return rows[0]?.made === true
}

/** Drops one month whose rows are all older than `keepDays` days; returns true if more may remain. */
export async function drop(db: Db, { table, keepDays }: { table: MonthlyTable; keepDays: number }): Promise<boolean> {
  const { rows } = await sql<{ dropped: boolean }>`
    select drop_month(${table}, ${keepDays}::integer) as dropped`.execute(db)
  return rows[0]?.dropped === true
}

/**
 * The tables with rows outside all month partitions: none were created for months, or a clock is far off. Readiness
 * warns of them.
 */
export async function overflowing(db: Db): Promise<string[]> {
  const { rows } = await sql<{ table: string }>`select overflowing_months as table from overflowing_months()`.execute(
    db,
  )
  return rows.map(row => row.table)
}
