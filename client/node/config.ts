/**
 * The one variable that the client reads: the keys that leases are verified with, for a program that is not told them by
 * argument. Nothing else of the client reaches for the environment; it never decides anything about a key.
 */

/** The keys in `MOORING_LEASE_KEYS`, separated by commas or white space; none where there is no environment. */
export function leaseKeysFromEnvironment(): readonly string[] {
  // A bundle for browsers has no `process`.
  const text = globalThis.process?.env?.['MOORING_LEASE_KEYS'] ?? ''
  return text.split(/[\s,]+/).filter(key => key !== '')
}
