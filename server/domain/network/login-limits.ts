/**
 * How many logins may be refused in a quarter of an hour before a new credential is kept back. `login-budget.ts` and
 * `login-charges.ts` count to them; the table *Limits* shows them.
 */

/** Of one login by whomever; of one organization at one host and port, and at all; at one address, and there of one organization. */
export const LOGINS = {
  perLogin: 10,
  perPlace: 10,
  perOrganization: 60,
  perAddress: 300,
  perAddressOfOne: 30,
} as const
