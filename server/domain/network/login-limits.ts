/**
 * How many logins may be refused in a quarter of an hour before a new credential is held back. `login-budget.ts` and
 * `login-charges.ts` enforce them; the table *Limits* shows them.
 */

/**
 * The limits: for one login across organizations; for one organization at one host and port, and in total; at one
 * address, and there for one organization.
 */
export const LOGINS = {
  perLogin: 10,
  perPlace: 10,
  perOrganization: 60,
  perAddress: 300,
  perAddressOfOne: 30,
} as const
