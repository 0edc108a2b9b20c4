/**
 * The schemas that an introspection skips, as every dialect takes them: bounded together, and not one by one.
 */
import { z } from 'zod'
import { isStorable } from '#shared/base/text.ts'

/** How many schemas may be excluded, and how many bytes of UTF-8 their names may have together. */
export const EXCLUDED_SCHEMAS = { names: 1_000, bytes: 16_384 } as const

/** Bytes of UTF-8 that the names have together. */
export function bytesOf(names: readonly string[]): number {
  return new TextEncoder().encode(names.join('')).length
}

/** True for text that has the form of a connection string: it was put into the wrong field, and is not to be stored. */
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
