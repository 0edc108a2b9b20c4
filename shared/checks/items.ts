/**
 * The lines of the verification checklist, by kind. Without a schema, so that a page can show them before there is a verdict.
 * `check.ts` has the shapes.
 */

/** The items of a direct datasource's checklist, in the order in which they are tried. */
export const DIRECT_ITEMS = [
  'host',
  'connect',
  'tls',
  'authenticate',
  'database',
  'server_version',
  'role_superuser',
  'role_bypassrls',
  'role_membership',
  'role_server_files',
  'role_replication',
  'role_createrole',
  'role_provider_admin',
  'role_row_security',
  'schema',
] as const
/** An item of a direct datasource's checklist. */
export type DirectItem = (typeof DIRECT_ITEMS)[number]

/** Of those, the items that a dial passes on its way to a session, in that order. */
export const DIAL_ITEMS = [
  'host',
  'connect',
  'tls',
  'authenticate',
  'database',
] as const satisfies readonly DirectItem[]
/** An item that a dial passes on its way. */
export type DialItem = (typeof DIAL_ITEMS)[number]

/** The items of a signed endpoint's checklist, in the order in which they are tried. */
export const ENDPOINT_ITEMS = ['host', 'connect', 'tls', 'signature', 'answer'] as const
