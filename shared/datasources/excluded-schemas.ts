/**
 * The schemas that an introspection skips, in every dialect.
 * Their names are bounded in total, not individually.
 */
import { z } from 'zod'
import { isStorable } from '#shared/base/text.ts'

/** The maximum number of excluded schemas, and the maximum total length of their names in bytes of UTF-8. */
export const EXCLUDED_SCHEMAS = { names: 1_000, bytes: 16_384 } as const

/** The total length of the names in bytes of UTF-8. */
export function bytesOf(names: readonly string[]): number {
  return new TextEncoder().encode(names.join('')).length
}

/** True for text that looks like a connection string. It was put into the wrong field and must not be stored. */
export function looksSecret(text: string): boolean {
  return /:\/\/|password\s*=/i.test(text)
}

/**
 * The schemas that an introspection skips. A name that cannot exist, because it is empty or too long, excludes nothing.
 */
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
