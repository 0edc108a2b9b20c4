/**
 * The lines of the verification checklist for each kind of datasource. This file has no schemas, so that a page can
 * show the lines before there is a verdict; `check.ts` has the shapes.
 */

/** The items of a direct datasource's checklist, in the order in which they are checked. */
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

/** The items that a dial completes on its way to a session, in order. */
export const DIAL_ITEMS = [
  'host',
  'connect',
  'tls',
  'authenticate',
  'database',
] as const satisfies readonly DirectItem[]
/** An item that a dial completes on its way to a session. */
export type DialItem = (typeof DIAL_ITEMS)[number]

/** The items of a signed endpoint's checklist, in the order in which they are checked. */
export const ENDPOINT_ITEMS = ['host', 'connect', 'tls', 'signature', 'answer'] as const
