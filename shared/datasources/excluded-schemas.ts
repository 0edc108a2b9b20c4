/**
 * The schemas that an introspection skips, in every dialect:
 * bounded together, and not one by one.
 */
import { z } from 'zod'
import { isStorable } from '#shared/base/text.ts'

/** The maximum number of excluded schemas, and of UTF-8 bytes of their names in all. */
export const EXCLUDED_SCHEMAS = { names: 1_000, bytes: 16_384 } as const

/** Bytes of UTF-8 that the names have together. */
export function bytesOf(names: readonly string[]): number {
  return new TextEncoder().encode(names.join('')).length
}

/** True for text that looks like a connection string: it is in the wrong field, and must not be stored. */
export function looksSecret(text: string): boolean {
  return /:\/\/|password\s*=/i.test(text)
}

/** Schemas that an introspection skips. A name that cannot exist, an empty or a long one, excludes nothing. */
export const ExcludedSchemas = z
  .array(
    z
      .string()
      .refine(isStorable, { error: 'the text holds U+0000 or a lone surrogate, which PostgreSQL cannot store' }),
  )
  .refine(names => !names.some(looksSecret), { error: 'a schema name has the form of a connection string' })
  .max(EXCLUDED_SCHEMAS.names, { error: `at most ${EXCLUDED_SCHEMAS.names} names` })
  .refine(names => bytesOf(names) <= EXCLUDED_SCHEMAS.bytes, {
    error: `at most ${EXCLUDED_SCHEMAS.bytes} bytes of names together`,
  })
