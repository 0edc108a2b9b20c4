/**
 * The only environment variable that the client reads: the keys that leases are verified with, for a program that does
 * not pass them as an argument. No other file of the client reads the environment, and this one decides nothing about a
 * key.
 */

/**
 * Returns the keys in `MOORING_LEASE_KEYS`, separated by commas or white space; an empty list if there is no
 * environment.
 */
export function leaseKeysFromEnvironment(): readonly string[] {
  // A browser bundle has no `process`.
  const text = globalThis.process?.env?.['MOORING_LEASE_KEYS'] ?? ''
  return text.split(/[\s,]+/).filter(key => key !== '')
}
