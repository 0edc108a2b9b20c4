/**
 * Detects texts of a stranger that repeat a secret: a server that was sent a password can put it, or a part of it, into
 * any name that it returns. Called where such names are read, before any of them is displayed or stored.
 */
import { sharesPiece, withoutEnd } from '#shared/base/text.ts'

/** Shorter secrets occur in names by chance, and withholding those names would reveal more than it hides. */
const MIN_SECRET = 4

/**
 * Returns a test for one secret: a text contains eight consecutive characters of it, or all of it in base64, hex or URL
 * encoding.
 */
export function repeating(secret: string): (text: string) => boolean {
  const bytes = Buffer.from(secret)
  const spellings = [secret, encodeURIComponent(secret.toWellFormed()), bytes.toString('base64'), bytes.toString('hex')]
  const whole = secret.length < MIN_SECRET ? [] : spellings.map(text => withoutEnd(text, '=').toLowerCase())
  const lowerSecret = secret.toLowerCase()
  return text => {
    const lower = text.toLowerCase()
    return whole.some(spelling => lower.includes(spelling)) || sharesPiece(lower, lowerSecret)
  }
}
