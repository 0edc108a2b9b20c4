/**
 * How often may be dialled, and how often a login may be refused before nobody tries there for a while. A registry that
 * dials what it is told is a password guesser unless it counts (per organization, and per target across all of them).
 */

/** A counter in a window of time. */
export interface Budget {
  readonly key: string
  readonly limit: number
  readonly windowMs: number
}

const MINUTE_MS = 60_000
const QUARTER_MS = 900_000

/** Refused logins at one target in a quarter of an hour, by whomever. */
export const REFUSALS_PER_TARGET = 10

/** The beginning of the keys of addresses that refuse logins. */
export const ADDRESS_PREFIX = 'refused-address '

interface Place {
  readonly host: string
  readonly port: number
}

/** What a dial takes from before it begins. */
export function dialBudgets(organizationId: string, place: Place): Budget[] {
  return [
    { key: `dial-organization ${organizationId}`, limit: 600, windowMs: MINUTE_MS },
    { key: `dial-target ${spelled(place)}`, limit: 60, windowMs: MINUTE_MS },
  ]
}

/** What must not be used up by refused logins before a dial. */
export function refusalBudgets(organizationId: string, place: Place): Budget[] {
  return [
    { key: `refused-organization ${organizationId}`, limit: 60, windowMs: QUARTER_MS },
    { key: `refused-target ${spelled(place)}`, limit: REFUSALS_PER_TARGET, windowMs: QUARTER_MS },
  ]
}

/** What a refused login is charged to: also the addresses, since names for one address cost nothing. */
export function chargedForRefusal(organizationId: string, place: Place, addresses: readonly string[]): Budget[] {
  const byAddress = addresses.map(address => ({
    key: `${ADDRESS_PREFIX}${spelled({ host: address, port: place.port })}`,
    limit: REFUSALS_PER_TARGET,
    windowMs: QUARTER_MS,
  }))
  return [...refusalBudgets(organizationId, place), ...byAddress]
}

/** A target in one spelling. */
export function spelled(place: Place): string {
  return `${place.host}|${place.port}`
}
