/**
 * The budgets that a refused login is charged to, under the host as given and under the address that refused it,
 * because more names for one address cost nothing. Also the counters that block logins to an address.
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

/** The budgets under the host as given. */
export function chargedAtHost(organizationId: string, target: LoginTarget): Budget[] {
  return [
    loginBudget(target, target.host),
    triedBudget(organizationId, target, target.host),
    ...ownBudgets(organizationId, target),
  ]
}

/**
 * The budgets under the address that refused the login, if that is not the host itself. Only that one of the host's
 * addresses: the owner of a name could list a neighbour's address next to their own.
 */
export function chargedAtAddress(organizationId: string, target: LoginTarget, address: string): Budget[] {
  if (canonicalHost(target.host) === canonicalHost(address)) return []
  return [
    loginBudget(target, address),
    triedBudget(organizationId, target, address),
    placeBudget(organizationId, target.port, address),
  ]
}

/**
 * One organization's share of an address's budget, and the whole budget, which is charged only until the share is
 * exhausted.
 */
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

/** The families in which an exhausted counter blocks logins to an address, whatever name led there. */
export function addressFamilies(organizationId: string, { port }: LoginTarget): BudgetFamily[] {
  const { own, all } = addressBudgets(organizationId, '')
  const spent = [placeBudget(organizationId, port, ''), own, all].map(familyOf)
  return [...spent, ...dialFamilies(organizationId, port)]
}

/** The addresses at which a login's budget is exhausted, and those at which the organization has tried it. */
export function loginFamilies(
  organizationId: string,
  target: LoginTarget,
): { login: BudgetFamily; tried: BudgetFamily } {
  return { login: familyOf(loginBudget(target, '')), tried: familyOf(triedBudget(organizationId, target, '')) }
}

function familyOf({ key, limit }: Budget): BudgetFamily {
  return { prefix: key, limit }
}
