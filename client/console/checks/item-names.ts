/**
 * The lines of the checklist in words. An item without a name of its own is shown by its code, as words, so that one that a newer
 * server knows is still readable.
 */
import type { CheckItem } from '#shared/checks/check.ts'

const NAMES: Readonly<Record<CheckItem, string>> = {
  host: 'The host may be dialled',
  connect: 'A connection is accepted',
  tls: 'The connection is encrypted',
  authenticate: 'The login is accepted',
  database: 'The database exists',
  server_version: 'The server is supported',
  role_superuser: 'The role is no superuser',
  role_bypassrls: 'Row security binds the role',
  role_membership: 'No membership widens the role',
  role_server_files: 'The role reads no files of the server',
  role_replication: 'The role does not replicate',
  role_createrole: 'The role makes no roles',
  role_provider_admin: 'The role is not the provider’s administrator',
  role_row_security: 'Tables with policies are protected from the role',
  schema: 'The schema is readable',
  signature: 'The endpoint checks signatures',
  answer: 'The endpoint answers as agreed',
}

/** An item in words. */
export function itemName(item: string): string {
  const known = Object.entries(NAMES).find(([name]) => name === item)
  if (known !== undefined) return known[1]
  const words = item.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
