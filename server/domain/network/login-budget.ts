/**
 * How often a login may be refused before nobody tries it for a while. A registry that logs in where it is told is a password
 * guesser unless it counts; and it stops neighbours on a shared host unless it counts each login, organization and address
 * apart. `login-charges.ts` has their charges.
 *
 * Refused logins are counted in halves: a connection that ends behind our proof, without an answer, is half of one.
 */
import { type Budget, canonicalHost, type Place } from './dial-budget.ts'
import { LOGINS } from './login-limits.ts'

/** The place and role of a login: a keyed hash of database and user, so that no counter names a customer's role. */
export interface LoginTarget extends Place {
  readonly login: string
}

/** The charge of one refused login. */
export const REFUSED_LOGIN_COST = 2
/** The charge of half a refused login. */
export const HALF_REFUSED = 1

const QUARTER_MS = 900_000
/** Longer than any dial: what a worker that died had under way ends by itself. */
const UNDER_WAY_MS = 60_000

/** Refused logins of one login, by whomever. `at` is the host as it is written, or the address that refused. */
export function loginBudget({ port, login }: LoginTarget, at: string): Budget {
  return {
    key: `login ${port} ${login} ${canonicalHost(at)}`,
    limit: LOGINS.perLogin * REFUSED_LOGIN_COST,
    windowMs: QUARTER_MS,
  }
}

/** Dials of one login that are under way: those that could still be refused count as if they were. */
export function underWay({ port, login, host }: LoginTarget): Budget {
  return { key: `under-way ${port} ${login} ${canonicalHost(host)}`, limit: LOGINS.perLogin, windowMs: UNDER_WAY_MS }
}

/** Whether an organization has tried a login in the window. Its first try is made whoever has spent the login's budget. */
export function triedBudget(organizationId: string, { port, login }: LoginTarget, at: string): Budget {
  return { key: `tried ${organizationId} ${port} ${login} ${canonicalHost(at)}`, limit: 1, windowMs: QUARTER_MS }
}

/** Refused logins of an organization at one host and port: its own, and nobody else's. */
export function placeBudget(organizationId: string, port: number, at: string): Budget {
  return {
    key: `place ${organizationId} ${port} ${canonicalHost(at)}`,
    limit: LOGINS.perPlace * REFUSED_LOGIN_COST,
    windowMs: QUARTER_MS,
  }
}

/** The same there, and at all. */
export function ownBudgets(organizationId: string, { host, port }: Place): Budget[] {
  return [
    placeBudget(organizationId, port, host),
    { key: `organization ${organizationId}`, limit: LOGINS.perOrganization * REFUSED_LOGIN_COST, windowMs: QUARTER_MS },
  ]
}

/** That a new credential was told to be another one and counted as refused, before it was dialled. */
export function countedMarker(of: { organizationId: string; datasourceId: string; version: number }): Budget {
  return { key: `counted ${of.organizationId} ${of.datasourceId} ${of.version}`, limit: 1, windowMs: QUARTER_MS }
}
