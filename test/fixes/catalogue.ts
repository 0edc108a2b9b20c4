/**
 * The catalogue: every misconfiguration that `npm run test:fixes`
 * applies to a server and repairs with the printed fix.
 */
import { DATABASES } from '#test/fixes/catalogue/databases.ts'
import { ENCRYPTION } from '#test/fixes/catalogue/encryption.ts'
import { LOGINS } from '#test/fixes/catalogue/logins.ts'
import { NETWORKS } from '#test/fixes/catalogue/networks.ts'
import { POOLERS } from '#test/fixes/catalogue/poolers.ts'
import { ROLES } from '#test/fixes/catalogue/roles.ts'
import type { Misconfiguration } from './misconfiguration.ts'

/** All misconfigurations, in the order in which they are applied. */
export const CATALOGUE: readonly Misconfiguration[] = [
  ...LOGINS,
  ...DATABASES,
  ...ROLES,
  ...ENCRYPTION,
  ...POOLERS,
  ...NETWORKS,
]
