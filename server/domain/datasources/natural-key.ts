/**
 * The natural key of a datasource in the dialect that has one: registering it again returns the same datasource. It
 * identifies a row and never decides where to dial.
 */
import type { Mode } from '#shared/base/wire.ts'

/** The natural key of a direct datasource in the dialect that has one. */
export function directNaturalKey({
  mode,
  host,
  port,
  database,
  schema,
}: {
  mode: Mode
  host: string | null
  port: number | null
  database: string | null
  schema: string | null | undefined
}): string {
  return JSON.stringify(['direct', mode, host, port, database, schema ?? null])
}
