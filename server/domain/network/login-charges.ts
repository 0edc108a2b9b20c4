/**
 * The budgets of a refused login, under the host as written and under the address that refused it: names for one
 * address cost nothing. And the counters that keep a login from an address.
 */
import { type Budget, type BudgetFamily, canonicalHost, dialFamilies } from './dial-budget.ts'
import {
  type LoginTarget,
  loginBudget,
  ownBudgets,
  placeBudget,
  REFUSED_LOGIN_COST,
  triedBudget,
} from './login-budget.ts'
import { LOGINS } from './login-limits.ts'

const QUARTER_MS = 900_000

/** The budgets under the host as written. */
export function chargedAtHost(organizationId: string, target: LoginTarget): Budget[] {
  return [
    loginBudget(target, target.host),
    triedBudget(organizationId, target, target.host),
    ...ownBudgets(organizationId, target),
  ]
}

/**
 * The budgets under the address that refused it, if that is not the host itself. Of a host's addresses only that
 * one: whoever answers for a name could name a neighbour's address beside their own.
 */
export function chargedAtAddress(organizationId: string, target: LoginTarget, address: string): Budget[] {
  if (canonicalHost(target.host) === canonicalHost(address)) return []
  return [
    loginBudget(target, address),
    triedBudget(organizationId, target, address),
    placeBudget(organizationId, target.port, address),
  ]
}

/** The share of one organization in an address's budget, and the whole of it. The second is charged only while the first is not spent. */
export function addressBudgets(organizationId: string, address: string): { own: Budget; all: Budget } {
  return {
    own: {
      key: `address-of ${organizationId} ${address}`,
      limit: LOGINS.perAddressOfOne * REFUSED_LOGIN_COST,
      windowMs: QUARTER_MS,
    },
    all: { key: `address ${address}`, limit: LOGINS.perAddress * REFUSED_LOGIN_COST, windowMs: QUARTER_MS },
  }
}

/** The families in which a spent counter keeps a login from an address, whatever name led there. */
export function addressFamilies(organizationId: string, { port }: LoginTarget): BudgetFamily[] {
  const { own, all } = addressBudgets(organizationId, '')
  const spent = [placeBudget(organizationId, port, ''), own, all].map(familyOf)
  return [...spent, ...dialFamilies(organizationId, port)]
}

/** The addresses at which a login's budget is spent, and those at which the organization has tried it. */
export function loginFamilies(
  organizationId: string,
  target: LoginTarget,
): { login: BudgetFamily; tried: BudgetFamily } {
  return { login: familyOf(loginBudget(target, '')), tried: familyOf(triedBudget(organizationId, target, '')) }
}

function familyOf({ key, limit }: Budget): BudgetFamily {
  return { prefix: key, limit }
}
