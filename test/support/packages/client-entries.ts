/**
 * The entries of `mooring-client`, by their path in its `exports`: the source of both its JavaScript and its
 * declarations. Called by the builds of both.
 */

/** Name → source. */
export const CLIENT_ENTRIES = {
  index: 'client/index.ts',
  node: 'client/node.ts',
  endpoint: 'client/endpoint.ts',
} as const
