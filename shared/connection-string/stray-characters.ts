/**
 * Characters that came along with a connection string when it was copied: invisible ones, spaces and quotes around it, and the
 * spellings that HTML and JSON have for `&`. Each is named for what it is and where it stands; nothing around it is.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

const SCHEME = /^[^A-Za-z]{0,40}postgres(?:ql)?:\/\//i
/** Control and format characters, separators other than the space, and halves of surrogate pairs. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u115f\u1160\u3164\u2800]/u
/** Quotes that no part of a URL holds unencoded. The straight single one may stand in a name. */
const QUOTES = '"`\u201c\u201d\u2018\u2019\u201e\u201a\u00ab\u00bb'

/** Refuses what came along; null where nothing did. To be asked before anything else of the text is read. */
export function refuseStray(text: string): Refusal | null {
  return refuseInvisible(text) ?? refuseAround(text) ?? refuseSpelling(text)
}

function refuseInvisible(text: string): Refusal | null {
  const found = INVISIBLE.exec(text)
  if (found === null) return null
  const [character] = found
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  const what = /[\n\r\u0085\p{Zl}\p{Zp}]/u.test(character)
    ? 'a line end'
    : /\p{Cs}/u.test(character)
      ? 'half of a surrogate pair'
      : /\p{Cc}/u.test(character)
        ? 'a control character'
        : 'an invisible character'
  return refuse(
    'character_refused',
    `It cannot be read: ${what} (U+${code}) stands ${placeOf(text, found.index)}; remove it.`,
  )
}

/** Where in a connection string an index is, in words. The last `@` ends the login, as the parser reads it. */
function placeOf(text: string, index: number): string {
  const scheme = SCHEME.exec(text)?.[0] ?? ''
  const start = scheme.search(/postgres/i)
  if (index < start || (scheme === '' && index === 0)) return 'before it'
  if (isBlank(text.slice(index))) return 'at its end'
  if (scheme === '') return 'in it'
  if (index < scheme.length) return 'in the scheme'
  const at = text.lastIndexOf('@')
  const colon = text.indexOf(':', scheme.length)
  if (index < at) return colon >= 0 && colon < index ? 'in the password' : 'in the user name'
  const behind = text.slice(at + 1, index)
  if (behind.includes('?')) return 'in the parameters'
  return behind.includes('/') ? 'in the database name' : 'in the host'
}

function isBlank(text: string): boolean {
  for (const character of text) if (character !== ' ' && !INVISIBLE.test(character)) return false
  return true
}

function refuseAround(text: string): Refusal | null {
  const isUrl = SCHEME.test(text)
  if (/^\s/.test(text)) return refuse('scheme_refused', 'It cannot be read: a space stands before it; remove it.')
  if (isUrl && text.endsWith(' ')) {
    return refuse('character_unencoded', 'It cannot be read: a space stands at its end; remove it.')
  }
  const isQuote = (character: string) => character !== '' && `${QUOTES}'`.includes(character)
  const opens = isUrl && isQuote(text.slice(0, 1))
  const closes = opens ? isQuote(text.slice(-1)) : isUrl && QUOTES.includes(text.slice(-1))
  if (opens && closes) {
    return refuse(
      'scheme_refused',
      'Quotes stand around it: remove the quote at the beginning and the quote at the end.',
    )
  }
  if (opens) return refuse('scheme_refused', 'It begins with a quote: remove the quote at the beginning.')
  if (closes) return refuse('character_unencoded', 'It ends with a quote: remove the quote at the end.')
  if (isUrl && text.startsWith('<')) {
    return refuse(
      'scheme_refused',
      'It stands between angle brackets: remove the < at the beginning and the > at the end.',
    )
  }
  return isUrl && /^[([{]/.test(text) ? refuse('scheme_refused', 'It stands between brackets: remove them.') : null
}

function refuseSpelling(text: string): Refusal | null {
  const at = text.lastIndexOf('@')
  const query = text.indexOf('?', at)
  if (!SCHEME.test(text) || at < 0 || query < 0) return null
  const parameters = text.slice(query)
  const spelled = (what: string) =>
    refuse('parameter_malformed', `The parameters hold ${what} spelling of &: write & alone between two parameters.`)
  if (/&amp;/i.test(parameters)) return spelled("&amp;, HTML's")
  if (/\\u0026/i.test(parameters)) return spelled("\\u0026, JSON's")
  return parameters.includes('\\&') ? spelled("\\&, a shell's") : null
}
