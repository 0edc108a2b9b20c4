/**
 * How Kysely sees a json column. The driver parses one that it reads, and the caller writes text, so that no key of a value is
 * lost on the way. Used by the types of the tables.
 */
import type { ColumnType } from 'kysely'

/** Text on its way in, a value on its way out. */
export type JsonColumn<T> = ColumnType<T, string | undefined, string>
