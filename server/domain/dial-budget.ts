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
const REFUSALS_PER_TARGET = 10
/** Dials of one target in a minute, by whomever. */
const DIALS_PER_TARGET = 60

/** The budgets of addresses, by the beginning of their keys: names for one address cost nothing. */
export const ADDRESS_BUDGETS = [
  { prefix: 'refused-address ', limit: REFUSALS_PER_TARGET, windowMs: QUARTER_MS },
  { prefix: 'dial-address ', limit: DIALS_PER_TARGET, windowMs: MINUTE_MS },
] as const
const [REFUSED_AT, DIALLED_AT] = ADDRESS_BUDGETS

interface Place {
  readonly host: string
  readonly port: number
}

/** What a dial takes from before it begins. */
export function dialBudgets(organizationId: string, place: Place): Budget[] {
  return [
    { key: `dial-organization ${organizationId}`, limit: 600, windowMs: MINUTE_MS },
    { key: `dial-target ${spelled(place)}`, limit: DIALS_PER_TARGET, windowMs: MINUTE_MS },
  ]
}

/** What must not be used up by refused logins before a dial. */
export function refusalBudgets(organizationId: string, place: Place): Budget[] {
  return [
    { key: `refused-organization ${organizationId}`, limit: 60, windowMs: QUARTER_MS },
    { key: `refused-target ${spelled(place)}`, limit: REFUSALS_PER_TARGET, windowMs: QUARTER_MS },
  ]
}

/** What is charged when somebody connected; `connected` is the number, not the host. */
export function chargedForDial(connected: Place): Budget[] {
  return [at(DIALLED_AT, connected)]
}

/**
 * What a refused login is charged to. Of the host's addresses only to the one that refused it: whoever answers for a name
 * could name his neighbour's address beside his own, and lock him out.
 */
export function chargedForRefusal(organizationId: string, place: Place, connected: Place): Budget[] {
  return [...refusalBudgets(organizationId, place), at(REFUSED_AT, connected)]
}

function at({ prefix, ...budget }: (typeof ADDRESS_BUDGETS)[number], place: Place): Budget {
  return { ...budget, key: `${prefix}${spelled(place)}` }
}

/** A target in one spelling. */
export function spelled(place: Place): string {
  return `${place.host}|${place.port}`
}
