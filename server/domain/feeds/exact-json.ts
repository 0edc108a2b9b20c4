/**
 * Parses a stranger's JSON so that serialising it again gives the same text: a number that JavaScript cannot represent
 * (a bigint beyond 2⁵³, more digits than a double has, 1e400) keeps its original text.
 */

/** Long numbers, or numbers with an exponent, may change. It also matches text in strings, which only costs time. */
const SUSPICIOUS = /[0-9.]{16}|[0-9][eE]/

/**
 * Parses JSON that was validated before. A number that would be serialised differently becomes an object of
 * `JSON.rawJSON` (ECMA-262, "JSON.parse source text access"), which `JSON.stringify` writes with exactly the same
 * digits.
 */
export function parseExactly(text: string): unknown {
  return SUSPICIOUS.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
}

function keepDigits(...[, value, context]: readonly unknown[]): unknown {
  if (typeof value !== 'number') return value
  const source: unknown = Reflect.get(Object(context), 'source')
  return typeof source !== 'string' || String(value) === source ? value : rawJson(source)
}

function rawJson(source: string): unknown {
  const make: unknown = Reflect.get(JSON, 'rawJSON')
  return typeof make === 'function' ? make.call(JSON, source) : Number(source)
}
