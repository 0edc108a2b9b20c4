/**
 * How often a login may be refused before no one tries it for a while. A registry that logs in at any given address is a
 * password guesser unless it counts; and it locks out neighbours on a shared host unless it counts by login, by
 * organization and by address separately. `login-charges.ts` has their charges.
 *
 * Refused logins are counted in halves: a connection that ends after our proof, without an answer, counts half.
 */
import { type Budget, canonicalHost, type Place } from './dial-budget.ts'
import { LOGINS } from './login-limits.ts'

/**
 * The place and role of a login, with a keyed hash of database and user, so that no counter names a customer's role.
 */
export interface LoginTarget extends Place {
  readonly login: string
}

/** The charge of one refused login. */
export const REFUSED_LOGIN_COST = 2
/** The charge of half a refused login. */
export const HALF_REFUSED = 1

const QUARTER_MS = 900_000
/** Longer than any dial: the counts of a worker that died expire by themselves. */
const UNDER_WAY_MS = 60_000

/** Refused logins with one login, across organizations. `at` is the host as given, or the address that refused. */
export function loginBudget({ port, login }: LoginTarget, at: string): Budget {
  return {
    key: `login ${port} ${login} ${canonicalHost(at)}`,
    limit: LOGINS.perLogin * REFUSED_LOGIN_COST,
    windowMs: QUARTER_MS,
  }
}

/** Dials with one login in progress: those that may still be refused count as refused. */
export function underWay({ port, login, host }: LoginTarget): Budget {
  return { key: `under-way ${port} ${login} ${canonicalHost(host)}`, limit: LOGINS.perLogin, windowMs: UNDER_WAY_MS }
}

/**
 * Marks that an organization has tried a login in the window. Its first attempt is made even if others have exhausted
 * the login's budget.
 */
export function triedBudget(organizationId: string, { port, login }: LoginTarget, at: string): Budget {
  return { key: `tried ${organizationId} ${port} ${login} ${canonicalHost(at)}`, limit: 1, windowMs: QUARTER_MS }
}

/** Refused logins of one organization at one host and port. */
export function placeBudget(organizationId: string, port: number, at: string): Budget {
  return {
    key: `place ${organizationId} ${port} ${canonicalHost(at)}`,
    limit: LOGINS.perPlace * REFUSED_LOGIN_COST,
    windowMs: QUARTER_MS,
  }
}

/** Refused logins of one organization at one host and port, and in total. */
export function ownBudgets(organizationId: string, { host, port }: Place): Budget[] {
  return [
    placeBudget(organizationId, port, host),
    { key: `organization ${organizationId}`, limit: LOGINS.perOrganization * REFUSED_LOGIN_COST, windowMs: QUARTER_MS },
  ]
}

/** Marks that a new credential was reported as different and counted as refused, before it was dialled. */
export function countedMarker({
  organizationId,
  datasourceId,
  version,
}: {
  organizationId: string
  datasourceId: string
  version: number
}): Budget {
  return { key: `counted ${organizationId} ${datasourceId} ${version}`, limit: 1, windowMs: QUARTER_MS }
}
