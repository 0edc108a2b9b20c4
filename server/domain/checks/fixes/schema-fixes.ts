/**
 * The finding for an unusable schema: it does not exist, or the role has no USAGE on it. Names come from the caller or
 * from the catalog, and are quoted. Called by `verification.ts`.
 */
import type { Probe } from '#server/domain/checks/probe.ts'
import { quoteName } from '#shared/base/sql-text.ts'

const LISTING = "select nspname from pg_catalog.pg_namespace where nspname !~ '^pg_' order by nspname;"

/** The observation and its fix; if the catalog was not queried, both causes are possible. */
export function schemaFinding(
  schema: string,
  login: string,
  schemas: Probe['schemas'],
): { readonly actual: string; readonly fix: string } {
  const name = quoteName(schema)
  const grant = `grant usage on schema ${name} to ${quoteName(login)};`
  if (schemas === undefined) return { actual: `${name} does not exist, or the role has no USAGE on it`, fix: grant }
  if (schemas.isThere) return { actual: `the role has no USAGE on ${name}`, fix: grant }
  const usable = schemas.usable.map(quoteName).join(', ')
  const fix =
    usable === ''
      ? `Give the name of a schema that exists. This lists them:\n${LISTING}`
      : `Give the name of a schema that exists. The role may use ${usable}.`
  return { actual: `${name} does not exist`, fix }
}
