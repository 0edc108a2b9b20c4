/**
 * The natural key of a datasource in the dialect that has one: who registers the same again means the same.
 * It is a key of rows and never says where to dial.
 */
import type { Mode } from '#shared/base/wire.ts'

/** The natural key of a direct datasource in the dialect that has one. */
export function directNaturalKey(of: {
  mode: Mode
  host: string | null
  port: number | null
  database: string | null
  schema: string | null | undefined
}): string {
  return JSON.stringify(['direct', of.mode, of.host, of.port, of.database, of.schema ?? null])
}
