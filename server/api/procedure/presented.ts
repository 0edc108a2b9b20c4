/**
 * Marks output schemas of queries whose answers are built from explicitly listed fields, in the schema's order: parsing
 * such an answer again would change nothing and cost as much as building it. A property test compares both.
 */
import type { z } from 'zod'

const PRESENTED = Symbol('presented')

/**
 * Returns the schema, whose answers a query then does not parse. Those of a mutation are parsed all the same: a stored
 * answer has lost the order of its fields.
 */
export function presented<S extends z.ZodType>(schema: S): S {
  return Object.assign(schema, { [PRESENTED]: true })
}

/** True for a marked schema. */
export function isPresented(schema: z.ZodType): boolean {
  return PRESENTED in schema
}
