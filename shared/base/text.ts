/**
 * Text as PostgreSQL can store it and as both documented dialects count it. Every schema of a caller's text uses it.
 */
import { z } from 'zod'

/** True for text that PostgreSQL can store: no U+0000 and no lone surrogate. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000')
}

/** Length in code points, as both documented dialects count. */
export function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** Text of `min` to `max` code points that PostgreSQL can store. */
export function storableText(min: number, max: number) {
  // A code point is one or two UTF-16 units, so that the length of nearly every text is decided without counting.
  return z
    .string()
    .refine(isStorable, { error: 'the text holds U+0000 or a lone surrogate, which PostgreSQL cannot store' })
    .refine(text => text.length >= 2 * min || codePoints(text) >= min, { error: `at least ${min} characters` })
    .refine(text => text.length <= max || codePoints(text) <= max, { error: `at most ${max} characters` })
    .meta({ minLength: min, maxLength: max })
}

/** Whether a text contains eight consecutive characters of a secret. */
export function sharesPiece(text: string, secret: string): boolean {
  for (let at = 0; at + 8 <= text.length; at += 1) if (secret.includes(text.slice(at, at + 8))) return true
  return false
}

/**
 * A text without trailing characters of one kind. `/x+$/` takes quadratic time for a text with many of them in the
 * middle.
 */
export function withoutEnd(text: string, character: string): string {
  let end = text.length
  while (end > 0 && text.endsWith(character, end)) end -= character.length
  return text.slice(0, end)
}
