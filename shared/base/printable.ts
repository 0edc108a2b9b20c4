/**
 * Makes untrusted text safe to display in a terminal, a log, JSON and Markdown. `sql-text.ts` does the same for SQL.
 *
 * An escape sequence moves the cursor or renames a window, a bidirectional control makes one line look like another
 * (Trojan Source, CVE-2021-42574), and an invisible character makes two names look alike. All of them are displayed as
 * `\u{1b}`.
 */

// Controls (C0, DEL, C1), format characters (bidirectional, zero-width, tags), line and paragraph separators, lone
// surrogates, and characters that Unicode renders as nothing: fillers, variation selectors, joiners.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u
const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu')

/** True for text that a screen shows unchanged on one line. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text)
}

/**
 * Returns the text with every unprintable character replaced by the result of `format`, which receives its code point.
 */
export function escapeUnprintable(text: string, format: (codePoint: number, character: string) => string): string {
  return text.replace(EACH_UNPRINTABLE, character => format(character.codePointAt(0) ?? 0, character))
}

/** Returns one line for a terminal: every unprintable character, including line breaks and tabs, becomes `\u{…}`. */
export function printable(text: string): string {
  return escapeUnprintable(text, braced)
}

/** Returns several lines for a terminal: like `printable`, but line feeds and tabs stay. */
export function printableLines(text: string): string {
  return escapeUnprintable(text, (codePoint, character) =>
    character === '\n' || character === '\t' ? character : braced(codePoint),
  )
}

/** Returns one row of columns for a terminal or for `cut`: printable cells separated by tabs. */
export function printableRow(cells: readonly string[]): string {
  return cells.map(printable).join('\t')
}

/**
 * Returns one line of JSON that means the same as `JSON.stringify` and is printable: an unprintable character becomes
 * `\u001b`.
 */
export function printableJson(value: unknown): string {
  return escapeUnprintable(JSON.stringify(value) ?? 'null', utf16)
}

/** Escapes a character as in a JSON or TypeScript string: one `\uXXXX` for each UTF-16 unit. */
function utf16(_: number, character: string): string {
  return [...Array(character.length).keys()].map(at => `\\u${hex(character.charCodeAt(at), 4)}`).join('')
}

// Matches a two-character JSON escape of a printable character, a JSON escape of a control, or the raw character.
const IN_JSON = new RegExp(`\\\\["\\\\/]|\\\\u([0-9a-fA-F]{4})|\\\\([nrtbf])|${UNPRINTABLE.source}`, 'gu')
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, f: 12 }

/**
 * Returns a line of JSON whose strings stay printable even after parsing, because log viewers print them raw.
 *
 * A line feed at the end stays. A line without such characters costs a single scan.
 */
export function printableLog(line: string): string {
  const end = line.endsWith('\n') ? '\n' : ''
  const text = line.slice(0, line.length - end.length)
  const displayed = text.replace(IN_JSON, (found, unit: string | undefined, letter: string | undefined) => {
    if (unit !== undefined) return escapedUnit(found, Number.parseInt(unit, 16))
    if (letter !== undefined) return doubled(CONTROLS[letter] ?? 0)
    return found.startsWith('\\') ? found : doubled(found.codePointAt(0) ?? 0)
  })
  return `${displayed}${end}`
}

/** Shows each half of an escaped surrogate pair separately: nobody needs the character itself in a log. */
function escapedUnit(found: string, unit: number): string {
  return isPrintable(String.fromCharCode(unit)) ? found : doubled(unit)
}

/**
 * Returns one line that is safe in Markdown and HTML as well as in a terminal: printable, with `\u{…}` for the
 * characters that open a tag, an entity, code, emphasis, a link, a table cell or a mention.
 */
export function printableMarkdown(text: string): string {
  return printable(text).replace(/[<>&`*[\]|~@#!]/g, character => braced(character.charCodeAt(0)))
}

function braced(codePoint: number): string {
  return `\\u{${hex(codePoint, 1)}}`
}

function doubled(codePoint: number): string {
  return `\\${braced(codePoint)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
