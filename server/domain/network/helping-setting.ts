/**
 * Finds the setting of an installation that would change a refusal, for the operator's log: a customer who may not
 * register a database in their own network cannot change that, the operator can. Callers never see it. Called where a
 * refusal is logged.
 */

const NETWORKS = 'MOORING_ALLOWED_NETWORKS'

/** Settings by the code of a fault, of an issue or of a failed dial. */
const BY_CODE: Readonly<Record<string, string>> = {
  byo_host_not_allowed: NETWORKS,
  host_private: NETWORKS,
  host_refused: NETWORKS,
  port_refused: NETWORKS,
  name_not_found: 'MOORING_DNS_SERVERS',
  resolver_failed: 'MOORING_DNS_SERVERS',
  dialler_busy: 'MOORING_DIAL_PROCESSES',
  rate_limit_exceeded: 'MOORING_RATE_PER_KEY, MOORING_RATE_PER_ORGANIZATION',
}

/** The quota that a refused call has reached, by procedure. */
const QUOTAS: readonly (readonly [RegExp, string])[] = [
  [/capabilit/i, 'MOORING_MAX_CAPABILITIES'],
  [/key/i, 'MOORING_MAX_KEYS'],
  [/datasource|connection/i, 'MOORING_MAX_DATASOURCES'],
]

/** A log field with the setting; empty if no setting changes the refusal. `route` is the procedure that was called. */
export function helpingSetting(code: string | null, route = ''): { readonly setting?: string } {
  const setting =
    code === 'resource_limit_reached'
      ? QUOTAS.find(([pattern]) => pattern.test(route))?.[1]
      : code === null
        ? undefined
        : Object.hasOwn(BY_CODE, code)
          ? BY_CODE[code]
          : undefined
  return setting === undefined ? {} : { setting }
}
