/**
 * How both servers of a move read and write rows: the columns of each table, and the settings that make their texts
 * identical.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import type { CopiedTable } from './move-tables.ts'

/** Settings that fix how a session writes texts, whatever its server or role defaults to, and how it finds rows. */
const SETTINGS = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  // The planner has no statistics on tables that were empty a moment ago.
  enable_seqscan: 'off',
} as const

/** Sets up a session for the functions below. */
export async function prepareSession(session: Db): Promise<void> {
  for (const [name, value] of Object.entries(SETTINGS))
    await sql`select set_config(${name}, ${value}, false)`.execute(session)
}

/** A column of a copied table. */
export interface CopiedColumn {
  readonly name: string
  readonly type: string
  /** True for an identity or generated column. */
  readonly isOwn: boolean
}

/** A copied table with its columns, as the servers define them. */
export interface Shape extends CopiedTable {
  readonly columns: readonly CopiedColumn[]
}

/** Reads the columns of a table. */
export async function shapeOf(session: Db, table: CopiedTable): Promise<Shape> {
  const { rows } = await sql<CopiedColumn>`
    select attname as name, format_type(atttypid, atttypmod) as type, attgenerated <> '' or attidentity <> '' as "isOwn"
    from pg_attribute where attrelid = ${table.name}::regclass and attnum > 0 and not attisdropped order by attnum
  `.execute(session)
  return { ...table, columns: rows }
}
