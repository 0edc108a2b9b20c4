/**
 * Text as PostgreSQL can store it and as both documented dialects count it. No schema of a caller's text does without.
 */
import { z } from 'zod'

/** True for text that PostgreSQL can store: no U+0000 and no lone surrogate. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000')
}

/** Length in code points, which is what both documented dialects count. */
export function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** Text of `min` to `max` code points that PostgreSQL can store. */
export function storableText(min: number, max: number) {
  return z
    .string()
    .refine(isStorable, { error: 'the text holds U+0000 or a lone surrogate, which PostgreSQL cannot store' })
    .refine(text => codePoints(text) >= min, { error: `at least ${min} characters` })
    .refine(text => codePoints(text) <= max, { error: `at most ${max} characters` })
    .meta({ minLength: min, maxLength: max })
}
