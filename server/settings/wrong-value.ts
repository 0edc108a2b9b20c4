/**
 * Describes the defect of a setting's value in a few words that end the sentence about it. It looks for typical
 * mistakes in files: quotes, blanks, units, comments. It never repeats a value, which may be a password. `env.ts` and
 * `config.ts` call it.
 */

/** A defect that is wrong for any setting; null if the form is fine. */
export function wrongForm(value: string): string | null {
  if (value.trim() === '') return 'its value is blank'
  if (/[\r\n]/.test(value)) return 'there is a line break in its value'
  if (value !== value.trim()) return 'there is whitespace around its value'
  if (/^["'`]|["'`]$/.test(value)) return 'there are quotes around its value, which nothing takes away'
  if (/\s(?:#|\/\/)/.test(value)) return 'a comment follows its value'
  if (/^(?:tcp|udp):\/\//.test(value))
    return 'its value is what Kubernetes sets for a Service of that name: rename the Service, or set enableServiceLinks: false'
  return null
}

/** The bounds of an integer. */
export interface Bounds {
  readonly min: number
  readonly max: number
}

/** Why a text is not an integer within its bounds; null if it is. */
export function wrongNumber(value: string, { min, max }: Bounds): string | null {
  const form = wrongForm(value)
  if (form !== null) return form
  if (/^\d+$/.test(value))
    return Number(value) < min ? 'its value is too small' : Number(value) > max ? 'its value is too large' : null
  if (/^-\d+$/.test(value)) return 'its value is too small'
  if (/^\d[\d.,_]*\s?[a-z%]+$/i.test(value)) return 'its value has a unit'
  if (/^\d[\d.,_ ]*$/.test(value)) return 'its value contains more than digits'
  return 'its value is not a number'
}

/** Why a text is not one of the words; null if it is. */
export function wrongWord(value: string, words: readonly string[]): string | null {
  if (words.includes(value)) return null
  const form = wrongForm(value)
  if (form !== null) return form
  if (words.includes(value.toLowerCase())) return 'its value is in capital letters'
  return 'its value is a different word'
}

/** Why a text is not a comma-separated list of such items; null if it is. */
export function wrongList(value: string, isItem: (item: string) => boolean): string | null {
  if (value === '') return null
  const form = wrongForm(value)
  if (form !== null) return form
  const items = value.split(',').map(item => item.trim())
  const at = items.findIndex(item => !isItem(item))
  const item = items[at]
  if (item === undefined) return null
  if (item === '') return 'there is an extra comma in its value'
  if (/[;|]|\s/.test(item)) return 'its items are not separated by commas'
  return items.length === 1 ? 'its value is none' : `item ${at + 1} of its value is none`
}

/** Why a text is not a URL with one of these schemes; null if it is. */
export function wrongUrl(value: string, schemes: readonly string[]): string | null {
  const form = wrongForm(value)
  if (form !== null) return form
  const scheme = schemes.find(one => value.toLowerCase().startsWith(`${one}://`))
  if (scheme !== undefined && URL.canParse(value)) return null
  if (scheme !== undefined) return 'its value is not a URL'
  return value.includes('://') ? 'its value has a different scheme' : `its value does not begin with ${schemes[0]}://`
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this process may not read that file',
  EISDIR: 'it is a folder',
}

/** Why a file cannot be read, from the system error. */
export function wrongFile(error: unknown): string {
  const code = String(Reflect.get(Object(error), 'code'))
  return UNREADABLE[code] ?? `it cannot be read (${code})`
}
