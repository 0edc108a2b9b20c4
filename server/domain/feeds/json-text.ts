/**
 * Inspects JSON that a stranger wrote: its depth, before anything is built from it, and its parts exactly as they were
 * written.
 *
 * A hundred thousand opening brackets are a short text but overflow the stack of any code that traverses the result.
 * Called by `net/endpoint.ts` and `domain/feed-page.ts`.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c

/** The end of the string that opens at `start`: the index of its closing quote, or the length of the text. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1
    if (slashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return text.length
}

/**
 * True if arrays and objects are nested deeper than `maxDepth`. Linear in the text, and iterative. For text that is not
 * JSON, the result is meaningless.
 */
export function isDeeperThan(text: string, maxDepth: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) at = endOfString(text, at)
    else if (unit === 0x5b || unit === 0x7b) depth += 1
    else if (unit === 0x5d || unit === 0x7d) depth -= 1
    if (depth > maxDepth) return true
  }
  return false
}

/**
 * The texts of the elements of the array under `key` in an object, as they were written: every digit of every number,
 * every field. `JSON.parse` rounds a customer's bigint beyond 2⁵³ and turns 1e400 into a value that is serialised as
 * null. Null if arrays and objects are nested deeper than `maxDepth`.
 *
 * Requires text that `JSON.parse` turns into an object with an array under `key`, using the last one of several; for
 * other text the result is meaningless. Linear, and iterative.
 */
export function elementTexts(text: string, key: string, maxDepth: number): string[] | null {
  let found: string[] = []
  let isUnderKey = false
  let depth = 0
  let start = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      const end = endOfString(text, at)
      if (depth === 1 && isKey(text, end)) {
        isUnderKey = denotes(text.slice(at + 1, end), key)
        if (isUnderKey) found = []
      }
      at = end
    } else if (unit === 0x5b || unit === 0x7b) {
      depth += 1
      if (depth > maxDepth) return null
      if (depth === 2) start = at + 1
    } else if (unit === COMMA || unit === 0x5d || unit === 0x7d) {
      if (depth === 2 && isUnderKey) found.push(text.slice(start, at).trim())
      if (depth === 2) start = at + 1
      if (unit !== COMMA) depth -= 1
    }
  }
  return found.filter(element => element !== '')
}

/** True if the inside of a string literal denotes `key`. */
function denotes(inside: string, key: string): boolean {
  if (!inside.includes('\\')) return inside === key
  try {
    return JSON.parse(`"${inside}"`) === key
  } catch {
    // The whole text is then invalid JSON, and rejected as such.
    return false
  }
}

/** True if the string that ends there is followed by a colon. */
function isKey(text: string, end: number): boolean {
  let at = end + 1
  while (/[ \t\r\n]/.test(text.charAt(at))) at += 1
  return text[at] === ':'
}
