/**
 * Tells texts of a stranger that repeat a secret: a server that was sent a password can write it, or a piece of it, into any name
 * that it answers. Called where such names are read, before any of them is shown or stored.
 */
import { sharesPiece, withoutEnd } from '#shared/base/text.ts'

/** Shorter secrets occur in names by chance as a whole, and withholding those would tell more than it hides. */
const MIN_SECRET = 4

/** The test for one secret: whether a text holds eight characters of it in a row, or all of it in base64, hex or a URL's escapes. */
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
