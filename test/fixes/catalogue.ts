/**
 * The catalogue: every misconfiguration that `npm run test:fixes` does to a server and has mended by what Mooring prints.
 */
import { DATABASES } from './catalogue/databases.ts'
import { ENCRYPTION } from './catalogue/encryption.ts'
import { LOGINS } from './catalogue/logins.ts'
import { NETWORKS } from './catalogue/networks.ts'
import { POOLERS } from './catalogue/poolers.ts'
import { ROLES } from './catalogue/roles.ts'
import type { Misconfiguration } from './misconfiguration.ts'

/** All of them, in the order in which they are done. */
export const CATALOGUE: readonly Misconfiguration[] = [
  ...LOGINS,
  ...DATABASES,
  ...ROLES,
  ...ENCRYPTION,
  ...POOLERS,
  ...NETWORKS,
]
