/**
 * The offset at which a text stops being JSON (RFC 8259), and the reason in the words of CPython's `json`, which
 * callers of the connections dialect expect. JavaScript's parser quotes the text in some of its messages, and the text
 * may contain a password; these quote nothing.
 *
 * Iterative and linear: the text may be nested as deep as it is long. Called by `body.ts` for texts that were rejected.
 */

/** The error, in one of CPython's sentences, and its offset in code points. */
export interface JsonError {
  readonly message: string
  readonly offset: number
}

/** The next offset to read at, or the error there; offsets are UTF-16 units here. */
type Step = number | { readonly message: string; readonly at: number }

const PLAIN = /[^"\\\u0000-\u001f]*/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const HEX = /[0-9a-fA-F]{4}/y

/**
 * The error; null for valid JSON. CPython also accepts `NaN`, `Infinity` and `-Infinity`, which RFC 8259 does not allow
 * and no field here can hold; they are deliberately rejected as missing values.
 */
export function jsonError(text: string): JsonError | null {
  const open: ('{' | '[')[] = []
  let step: Step = value(text, { at: skip(text, 0), open })
  while (typeof step === 'number') {
    const at = skip(text, step)
    const inside = open.at(-1)
    if (inside === undefined) return at === text.length ? null : located(text, { message: 'Extra data', at })
    if (text[at] === (inside === '{' ? '}' : ']')) {
      open.pop()
      step = at + 1
    } else if (text[at] !== ',') step = { message: "Expecting ',' delimiter", at }
    else step = item(text, { at: skip(text, at + 1), open })
  }
  return located(text, step)
}

/** A value, or the beginning of one: brackets that it opens are closed later. */
function value(text: string, place: { at: number; open: ('{' | '[')[] }): Step {
  let { at } = place
  for (;;) {
    const first = text[at]
    if (first === '"') return string(text, at)
    if (first !== '{' && first !== '[') return matched(SCALAR, text, at) ?? { message: 'Expecting value', at }
    place.open.push(first)
    at = skip(text, at + 1)
    // An empty container is closed in the same place as any other.
    if (text[at] === (first === '{' ? '}' : ']')) return at
    if (first === '{') {
      const step = name(text, at)
      if (typeof step !== 'number') return step
      at = step
    }
  }
}

/** The expected token after a comma. */
function item(text: string, place: { at: number; open: ('{' | '[')[] }): Step {
  if (place.open.at(-1) === '[') return value(text, place)
  const step = name(text, place.at)
  return typeof step === 'number' ? value(text, { ...place, at: step }) : step
}

/** A property's name with its colon; returns the offset at which its value begins. */
function name(text: string, at: number): Step {
  if (text[at] !== '"') return { message: 'Expecting property name enclosed in double quotes', at }
  const step = string(text, at)
  if (typeof step !== 'number') return step
  const colon = skip(text, step)
  return text[colon] === ':' ? skip(text, colon + 1) : { message: "Expecting ':' delimiter", at: colon }
}

function string(text: string, start: number): Step {
  for (let at = start + 1; ; ) {
    at = matched(PLAIN, text, at) ?? at
    const stop = text[at]
    if (stop === '"') return at + 1
    if (stop !== undefined && stop !== '\\') return { message: 'Invalid control character at', at }
    const escaped = text[at + 1]
    if (stop === undefined || escaped === undefined) return { message: 'Unterminated string starting at', at: start }
    if (escaped === 'u') {
      const end = matched(HEX, text, at + 2)
      if (end === null || end >= text.length) return { message: 'Invalid \\uXXXX escape', at: at + 1 }
      at = end
    } else if ('"\\/bfnrt'.includes(escaped)) at += 2
    else return { message: 'Invalid \\escape', at }
  }
}

function skip(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1
  return at
}

/** The end of the match at `at`. A sticky pattern starts at `lastIndex`, so no state is left over from before. */
function matched(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : null
}

function located(text: string, { message, at }: { message: string; at: number }): JsonError {
  let offset = 0
  for (const _ of text.slice(0, at)) offset += 1
  return { message, offset }
}
