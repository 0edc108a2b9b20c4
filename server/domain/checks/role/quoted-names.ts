/**
 * Formats names and numbers in the sentences about a role: names are quoted as in SQL, to set them apart from our
 * words.
 */
import { quoteName } from '#shared/base/sql-text.ts'

const MAX_NAMES = 5

/** Names for a sentence: quoted, at most five. */
export function quotedList(names: readonly string[]): string {
  return some(names.map(quoteName), names.length)
}

/** Already quoted names after a count, if there are any to list. */
export function among(names: readonly string[], count: number): string {
  return names.length === 0 ? '' : `: ${some(names, count)}`
}

function some(names: readonly string[], count: number): string {
  const displayed = names.slice(0, MAX_NAMES)
  const rest = count - displayed.length
  return `${displayed.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
