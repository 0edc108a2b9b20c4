/**
 * How often dials are allowed. One organization's dials delay no one else, until the total is too high for an address.
 *
 * Refused logins have budgets of their own: `login-budget.ts`.
 */

/** A counter in a time window. */
export interface Budget {
  readonly key: string
  readonly limit: number
  readonly windowMs: number
}

/** A family of counters whose keys end in an address. */
export interface BudgetFamily {
  readonly prefix: string
  readonly limit: number
}

/** The destination of a dial. */
export interface Place {
  readonly host: string
  readonly port: number
}

const MINUTE_MS = 60_000

/** Dials per minute: of one organization, of one organization to one place, of all organizations to one address. */
export const DIALS = { perOrganization: 600, perPlace: 60, perAddress: 600 } as const

/** The budgets that a dial is charged to before it begins. */
export function dialBudgets(organizationId: string, { host, port }: Place): Budget[] {
  return [
    { key: `dial-organization ${organizationId}`, limit: DIALS.perOrganization, windowMs: MINUTE_MS },
    { key: `dial-place ${organizationId} ${port} ${canonicalHost(host)}`, limit: DIALS.perPlace, windowMs: MINUTE_MS },
  ]
}

/** The budgets that are charged after a connection; `host` is the address. */
export function chargedForDial(organizationId: string, { host, port }: Place): Budget[] {
  return [
    { key: `dial-address ${port} ${host}`, limit: DIALS.perAddress, windowMs: MINUTE_MS },
    { key: `dial-address-of ${organizationId} ${port} ${host}`, limit: DIALS.perPlace, windowMs: MINUTE_MS },
  ]
}

/** The families in which an exhausted counter blocks dials to an address, whatever name led there. */
export function dialFamilies(organizationId: string, port: number): BudgetFamily[] {
  return chargedForDial(organizationId, { host: '', port }).map(({ key, limit }) => ({ prefix: key, limit }))
}

/** A host in canonical form. */
export function canonicalHost(host: string): string {
  return host.toLowerCase()
}
