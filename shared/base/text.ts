/**
 * Text that PostgreSQL can store, measured as both documented dialects measure it. Every schema for text from a caller
 * uses it.
 */
import { z } from 'zod'

/** True for text that PostgreSQL can store: no U+0000 and no lone surrogate. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000')
}

/** The length in code points, the unit of both documented dialects. */
export function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** A schema for text of `min` to `max` code points that PostgreSQL can store. */
export function storableText(min: number, max: number) {
  // A code point takes one or two UTF-16 units, so the length of nearly every text is decided without counting.
  return z
    .string()
    .refine(isStorable, { error: 'the text holds U+0000 or a lone surrogate, which PostgreSQL cannot store' })
    .refine(text => text.length >= 2 * min || codePoints(text) >= min, { error: `at least ${min} characters` })
    .refine(text => text.length <= max || codePoints(text) <= max, { error: `at most ${max} characters` })
    .meta({ minLength: min, maxLength: max })
}

/** True if the text contains eight consecutive characters of the secret. */
export function sharesPiece(text: string, secret: string): boolean {
  for (let at = 0; at + 8 <= text.length; at += 1) if (secret.includes(text.slice(at, at + 8))) return true
  return false
}

/**
 * Returns the text without trailing occurrences of `character`. `/x+$/` would take quadratic time on text with many of
 * them in the middle.
 */
export function withoutEnd(text: string, character: string): string {
  let end = text.length
  while (end > 0 && text.endsWith(character, end)) end -= character.length
  return text.slice(0, end)
}
