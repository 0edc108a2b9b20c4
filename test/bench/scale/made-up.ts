/**
 * Values of generated rows, as SQL: the checklist of a verification that passed, bytes, and ids of a moment. For the
 * rows of this release and of the previous one.
 */
import { DIRECT_ITEMS } from '#shared/checks/items.ts'

/** The first eight, as the documented sizes have. */
const ITEMS = DIRECT_ITEMS.slice(0, 8)

/** The checklist of a verification that passed, as JSON. */
export const CHECKS = JSON.stringify(
  ITEMS.map(item => ({ item, outcome: 'pass', actual: `what was found of ${item}` })),
)

/** This many bytes, made distinct by `n`. */
export const bytes = (count: number) =>
  `decode(left(repeat(md5(n || 'bytes'), ${Math.ceil(count / 16)}), ${count * 2}), 'hex')`

/** A UUIDv7 of the moment `at`, made distinct by the hashed text. */
export const idOf = (at: string, seed: string) =>
  `(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0') || '7' || substr(md5(${seed}), 1, 3) || '8' || substr(md5(${seed}), 4, 15))::uuid`
