/**
 * The names of the lines of the checklist. An item without a name is shown as the words of its code, so an item that
 * only a newer server knows is still readable.
 */
import type { CheckItem } from '#shared/checks/check.ts'

const NAMES: Readonly<Record<CheckItem, string>> = {
  host: 'The host may be dialled',
  connect: 'A connection is accepted',
  tls: 'The connection is encrypted',
  authenticate: 'The login is accepted',
  database: 'The database exists',
  server_version: 'The server is supported',
  role_superuser: 'The role is not a superuser',
  role_bypassrls: 'Row security applies to the role',
  role_membership: 'No membership extends the role',
  role_server_files: 'The role cannot read server files',
  role_replication: 'The role cannot replicate',
  role_createrole: 'The role cannot create roles',
  role_provider_admin: 'The role is not the provider’s administrator',
  role_row_security: 'Tables with policies are protected from the role',
  schema: 'The schema is readable',
  signature: 'The endpoint checks signatures',
  answer: 'The endpoint follows the protocol',
}

/** Returns the name of an item. */
export function itemName(item: string): string {
  const known = Object.entries(NAMES).find(([name]) => name === item)
  if (known !== undefined) return known[1]
  const words = item.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
