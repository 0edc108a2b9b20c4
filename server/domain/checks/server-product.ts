/**
 * Recognises servers that speak PostgreSQL's protocol but are another product or too old, by the parameters that they
 * report at login, before any query. The result is a name from a closed list, or numbers.
 */

const OLDEST = 13

/** Products whose `server_version` is one that no PostgreSQL 13 or later reports. */
const BY_VERSION: readonly (readonly [RegExp, string])[] = [
  [/^8\.0\.2$/, 'Amazon Redshift'],
  [/^9\.4\.2[0-9]$/, 'Greenplum 6 or PostgreSQL 9.4'],
  // Their own name follows the number: "11.2-YB-2.20.1.0-b0", "9.5.0 (Materialize …)".
  [/-YB-/, 'YugabyteDB'],
  [/Materialize/, 'Materialize'],
  [/RisingWave/i, 'RisingWave'],
  [/CockroachDB/i, 'CockroachDB'],
  [/openGauss|GaussDB/i, 'openGauss'],
  [/CedarDB/i, 'CedarDB'],
  [/Redshift/i, 'Amazon Redshift'],
  [/Greenplum/i, 'Greenplum'],
]

/** Parameters that only one product reports. */
const BY_PARAMETER: readonly (readonly [string, string])[] = [
  ['crdb_version', 'CockroachDB'],
  ['padb_version', 'Amazon Redshift'],
  ['gp_session_role', 'Greenplum'],
  ['questdb_version', 'QuestDB'],
  ['crate_version', 'CrateDB'],
  ['mz_version', 'Materialize'],
  ['rw_version', 'RisingWave'],
]

/** The product that a reported parameter reveals, if known; null if it may be a supported PostgreSQL. */
export function serverProduct(parameter: string, value: string): string | null {
  const byParameter = BY_PARAMETER.find(([name]) => name === parameter)
  if (byParameter !== undefined) return byParameter[1]
  if (parameter !== 'server_version' || value.includes('bouncer')) return null
  const whole = value.slice(0, 100)
  // Their versions continue PostgreSQL's.
  const named = BY_VERSION.find(([pattern]) => pattern.test(whole))?.[1]
  if (named !== undefined) return named
  const [, number = '', major = ''] = /^(([0-9]{1,3})(?:\.[0-9]{1,3}){0,2})(?![0-9.])/.exec(value) ?? []
  if (major === '' || Number(major) >= OLDEST) return null
  return BY_VERSION.find(([pattern]) => pattern.test(number))?.[1] ?? `PostgreSQL ${number}`
}
