/**
 * Where a text stops being JSON (RFC 8259). JavaScript's parser tells the place in some of its messages and quotes the text
 * in others, which may hold a password; so the place is found here, and only for texts that it has refused.
 */

const SPACE = /[ \t\r\n]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/** The offset of the first character that cannot be; the text's length when more was expected. */
export function jsonStopsAt(text: string): number {
  let at = 0
  const take = (pattern: RegExp): boolean => {
    const sticky = new RegExp(pattern)
    sticky.lastIndex = at
    if (!sticky.test(text)) return false
    at = sticky.lastIndex
    return true
  }
  const mark = (character: string): boolean => {
    take(SPACE)
    if (text[at] !== character) return false
    at += 1
    return true
  }
  const string = () => {
    take(SPACE)
    return take(STRING) && text[at] === '"' && mark('"')
  }
  const list = (item: () => boolean, end: string): boolean => {
    if (mark(end)) return true
    do if (!item()) return false
    while (mark(','))
    return mark(end)
  }
  const value = (): boolean => {
    take(SPACE)
    if (mark('{')) return list(() => string() && mark(':') && value(), '}')
    if (mark('[')) return list(value, ']')
    return text[at] === '"' ? string() : take(SCALAR)
  }
  if (value()) take(SPACE)
  return at
}
