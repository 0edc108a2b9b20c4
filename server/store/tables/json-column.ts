/**
 * The Kysely type of a json column. The driver parses the value on reading, and the caller writes text, so that no key
 * of a value is lost in conversion. Used by the types of the tables.
 */
import type { ColumnType } from 'kysely'

/** Written as text, read as a value. */
export type JsonColumn<T> = ColumnType<T, string | undefined, string>
