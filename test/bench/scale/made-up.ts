/**
 * Values of made-up rows, as SQL: the checklist of a verification that passed, bytes, and ids of a moment. For the rows of this
 * release and of the one before.
 */

const ITEMS = [
  'host',
  'connect',
  'tls',
  'authenticate',
  'database',
  'server_version',
  'role_superuser',
  'role_bypassrls',
]

/** The checklist of a verification that passed, as JSON. */
export const CHECKS = JSON.stringify(
  ITEMS.map(item => ({ item, outcome: 'pass', actual: `what was found of ${item}` })),
)

/** So many bytes, told apart by `n`. */
export const bytes = (count: number) =>
  `decode(left(repeat(md5(n || 'bytes'), ${Math.ceil(count / 16)}), ${count * 2}), 'hex')`

/** A UUIDv7 of the moment `at`, told apart by what is hashed. */
export const idOf = (at: string, of: string) =>
  `(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0') || '7' || substr(md5(${of}), 1, 3) || '8' || substr(md5(${of}), 4, 15))::uuid`
