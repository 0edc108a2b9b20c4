/**
 * Reading JSON that a stranger wrote: how deep it goes, before anything is built from it, and a parse that keeps every
 * digit of its numbers.
 *
 * A hundred thousand opening brackets are a small text and overflow the stack of whatever walks the result. Called by
 * `net/endpoint.ts` and `domain/feed-page.ts`.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Where the string that opens at `start` ends: the index of its closing quote, or the length of the text. */
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

const LONG_NUMBER = /[:,[\s]-?\d(?:[\d.]{15}|[\d.]*[eE])/

/** False when every number of the text fits a double: none has 16 digits or an exponent, not even inside a string. */
export function holdsLongNumber(text: string): boolean {
  return LONG_NUMBER.test(text)
}

const withRawNumbers =
  // TypeScript's es2024 library does not know `rawJSON` (ECMAScript proposal "JSON.parse source text access"), Node 24 does.
  JSON as typeof JSON & { rawJSON(text: string): unknown }

/**
 * Parses JSON so that `JSON.stringify` of the result spells each number as it was written: a `bigint` of a customer's
 * table beyond 2⁵³ survives, and 1e400 does not become null. A plain `JSON.parse` is several times as fast and does
 * where `holdsLongNumber` is false.
 *
 * @throws {SyntaxError} for what is not JSON
 */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && String(value) !== source
      ? withRawNumbers.rawJSON(source)
      : value
  })
}
