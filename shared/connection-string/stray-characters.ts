/**
 * Recognises characters that were copied along with a connection string: invisible ones, and spaces, quotes, brackets
 * and marks around it. A refusal names the character and its place, and none of the text around it.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

const SCHEME = /^[^A-Za-z]{0,40}postgres(?:ql)?:\/\//i
/**
 * Control and format characters, characters that render as nothing, separators other than the space, lone surrogates.
 */
const INVISIBLE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u2800\ufffc\ufffd]/u
/** Quotes that no part of a URL holds unencoded. A straight single quote may occur in a name. */
const QUOTES = '"`\u201c\u201d\u2018\u2019\u201e\u201a\u00ab\u00bb\u2039\u203a\u300c\u300d'

/**
 * A string from its scheme to a letter or digit, of characters that no rule of this file is about, and no control
 * character: nearly every healthy one. The caller need not read such a string for stray characters.
 */
export const PLAIN: RegExp = /^postgres(?:ql)?:\/\/[A-Za-z0-9_.~@:/?=&%-]*[A-Za-z0-9]$/

/** Refuses stray characters; null if there are none. Call it before reading any other part of the text. */
export function refuseStray(text: string): Refusal | null {
  return refuseLines(text) ?? refuseInvisible(text) ?? refuseAround(text)
}

/** Refuses text with further lines around the connection string. */
function refuseLines(text: string): Refusal | null {
  const inner = text.trim()
  const end = /[\r\n]/.exec(inner)?.[0]
  // A URL that was wrapped continues after a line end; a file has other kinds of lines.
  const isWrapped = /^postgres/i.test(inner) && !/[\r\n][ \t]{0,20}(?:#|--|export |[A-Z_]{3,40}\s?=)/.test(inner)
  if (end === undefined || isWrapped) return null
  const code = end === '\r' ? 'U+000D' : 'U+000A'
  return refuse(
    'character_refused',
    `It has several lines (it contains a line break, ${code}): give only the connection URL.`,
  )
}

function refuseInvisible(text: string): Refusal | null {
  const found = INVISIBLE.exec(text)
  if (found === null) return null
  const [character] = found
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const what = /[\n\r\u0085\p{Zl}\p{Zp}]/u.test(character)
    ? 'a line break'
    : /\p{Cs}/u.test(character)
      ? 'half of a surrogate pair'
      : /\p{Cc}/u.test(character)
        ? 'a control character'
        : character === '\ufffd'
          ? 'the replacement character, which stands for a lost one'
          : 'an invisible character'
  return refuse(
    'character_refused',
    `It cannot be read: ${what} (U+${code}) is ${placeOf(text, found.index)}; remove it.`,
  )
}

/** Describes the position of an index in a connection string. The last `@` ends the login, as in the parser. */
function placeOf(text: string, index: number): string {
  const scheme = SCHEME.exec(text)?.[0] ?? ''
  const start = scheme.search(/postgres/i)
  if (index < start || (scheme === '' && index === 0)) return 'before it'
  if (isBlank(text.slice(index))) return 'at its end'
  if (scheme === '') return isInScheme(text, index) ? 'in the scheme' : 'in it'
  if (index < scheme.length) return 'in the scheme'
  const at = text.lastIndexOf('@')
  const colon = text.indexOf(':', scheme.length)
  if (index < at) return colon >= 0 && colon < index ? 'in the password' : 'in the user name'
  // Without a login, the host begins behind the scheme.
  const behind = text.slice(Math.max(at + 1, scheme.length), index)
  if (behind.includes('?')) return 'in the parameters'
  if (behind.includes('/')) return 'in the database name'
  return behind.includes(':') && !behind.includes('[') ? 'in the port' : 'in the host'
}

/** True if the index lies in a scheme that is complete once invisible characters are removed. */
function isInScheme(text: string, index: number): boolean {
  const seen = (part: string) => [...part].filter(character => !INVISIBLE.test(character)).join('')
  const [scheme] = /^postgres(?:ql)?:\/\//i.exec(seen(text)) ?? []
  return scheme !== undefined && seen(text.slice(0, index)).length < scheme.length
}

function isBlank(text: string): boolean {
  for (const character of text) if (character !== ' ' && !INVISIBLE.test(character)) return false
  return true
}

const FIRST = 'the quote at the beginning'
const LAST = 'the quote at the end'

function refuseAround(text: string): Refusal | null {
  if (/^\s/.test(text)) return refuse('scheme_refused', 'It cannot be read: a space is before it; remove it.')
  if (!SCHEME.test(text)) return refuseInScheme(text)
  return refuseBehind(text) ?? refuseQuotes(text) ?? refuseMarks(text)
}

/** Refuses command options, a comment or another command after a complete string. */
function refuseBehind(text: string): Refusal | null {
  const behind = text.slice(text.lastIndexOf('@') + 1)
  return /^[^\s/]+\/[^\s"']+ +(?:--?[A-Za-z]|\/\/|[|>;]|&&)/.test(behind)
    ? refuse('character_unencoded', 'There is other text after the URL: give only the URL.')
    : null
}

/** Refuses spaces and backslashes inside the scheme. */
function refuseInScheme(text: string): Refusal | null {
  if (/^postgres(?:ql)?(?: :|: \/|:\/ )/i.test(text))
    return refuse('scheme_refused', 'There is a space in the scheme: remove it, so that it begins with postgresql://.')
  return /^postgres(?:ql)?:(?:\\\\|\\|\/\\)/i.test(text)
    ? refuse('scheme_refused', 'There are backslashes in the scheme: it must begin with postgresql://.')
    : null
}

function refuseQuotes(text: string): Refusal | null {
  const isQuote = (character: string) => character !== '' && `${QUOTES}'`.includes(character)
  const before = text.slice(0, text.search(/postgres/i))
  const tail = text.slice(bareLength(text))
  const end = text.charAt(text.length - tail.length - 1)
  const opens = [...before].some(isQuote)
  // Brackets behind a quote come from the object in which the string stood.
  const isOfObject = /^[}\])]/.test(tail) && QUOTES.includes(end)
  const closes = opens ? isQuote(end) : isOfObject || QUOTES.includes(text.slice(-1))
  const more = tail === '' ? '' : ' and everything after it'
  if (opens && closes) return refuse('scheme_refused', `It is in quotes: remove ${FIRST} and ${LAST}${more}.`)
  if (opens) return refuse('scheme_refused', `It begins with a quote: remove ${FIRST}.`)
  if (text.endsWith(' ')) return refuse('character_unencoded', 'It cannot be read: a space is at its end; remove it.')
  if (!closes) return null
  return !isOfObject && /=["`\u2018-\u201f][^=&]*$/.test(text.slice(0, -1))
    ? refuse(
        'character_unencoded',
        `A value among the parameters is in quotes: remove both, also ${LAST}, or encode " as %22.`,
      )
    : refuse('character_unencoded', `It ends with a quote: remove ${LAST}${more}.`)
}

/** The length of the text without punctuation after a closing quote. */
function bareLength(text: string): number {
  let length = text.length
  while (length > 0 && ';,.)]}\\ '.includes(text.charAt(length - 1))) length -= 1
  return length
}

/** Refuses brackets, and the marks of lists, quotations and emphasis. */
function refuseMarks(text: string): Refusal | null {
  const [mark = ''] = /^[^A-Za-z]*/.exec(text) ?? []
  if (mark === '') return null
  if (mark === '<')
    return refuse('scheme_refused', 'It is in angle brackets: remove the < at the beginning and the > at the end.')
  if (/^[([{]+$/.test(mark)) return refuse('scheme_refused', 'It is in brackets: remove them.')
  return refuse(
    'scheme_refused',
    'There are other characters before it: remove them, and their counterparts at the end, so that it begins with postgresql://.',
  )
}
