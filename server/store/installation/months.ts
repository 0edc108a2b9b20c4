/**
 * Months as partitions of `verifications` and `audit_events`: made ahead and dropped whole, by functions of the tables' owner that the
 * worker's role alone may call. Each call changes one partition, and fails with 55P03 rather than wait for a lock for long.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/** The tables that are partitioned by month. */
export type MonthlyTable = 'verifications' | 'audit_events'

/** Makes one month that is lacking, up to three ahead; says whether there may be more. */
export async function make(db: Db): Promise<boolean> {
  const { rows } = await sql<{ made: boolean }>`select make_month() as made`.execute(db)
  return rows[0]?.made === true
}

/** Drops one month whose rows are all older than so many days; says whether there may be more. */
export async function drop(db: Db, of: { table: MonthlyTable; keepDays: number }): Promise<boolean> {
  const { rows } = await sql<{ dropped: boolean }>`
    select drop_month(${of.table}, ${of.keepDays}::integer) as dropped`.execute(db)
  return rows[0]?.dropped === true
}

/** The tables with rows that no month takes: none were made for months, or a clock is far off. For readiness to warn of. */
export async function overflowing(db: Db): Promise<string[]> {
  const { rows } = await sql<{ table: string }>`select overflowing_months as table from overflowing_months()`.execute(
    db,
  )
  return rows.map(row => row.table)
}
