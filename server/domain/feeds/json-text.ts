/**
 * Reading JSON that a stranger wrote: how deep it goes, before anything is built from it, and its parts exactly as they
 * were written.
 *
 * A hundred thousand opening brackets are a small text and overflow the stack of whatever walks the result. Called by
 * `net/endpoint.ts` and `domain/feed-page.ts`.
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
 * True when arrays and objects are nested deeper than `maxDepth`. Linear in the text, and iterative. An answer is given
 * for text that is not JSON too, and means nothing there.
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
 * The texts of the elements of the array that stands under `key` in an object, as they were written: every digit of every
 * number, every field. `JSON.parse` rounds a customer's bigint beyond 2⁵³ and turns 1e400 into what is written as null.
 * Null when arrays and objects are nested deeper than `maxDepth`.
 *
 * For text of which `JSON.parse` makes an object with an array under `key`, the last one where there are several; for
 * other text the answer means nothing. Linear, and iterative.
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
        isUnderKey = spells(text.slice(at + 1, end), key)
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

/** Whether the inside of a string literal means `key`. */
function spells(inside: string, key: string): boolean {
  if (!inside.includes('\\')) return inside === key
  try {
    return JSON.parse(`"${inside}"`) === key
  } catch {
    // Then the whole is no JSON, and refused as such.
    return false
  }
}

/** Whether the string that ends there is followed by a colon. */
function isKey(text: string, end: number): boolean {
  let at = end + 1
  while (/[ \t\r\n]/.test(text.charAt(at))) at += 1
  return text[at] === ':'
}
