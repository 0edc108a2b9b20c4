/**
 * Finds the word of a closed list that a misspelt word was meant to be: in another case, with other separators, or with
 * a letter too many. The result goes into refusals, so it is always a word of the list and never part of the input.
 */

/** Longer texts cannot be a typo of a known word and are not compared. */
const MAX_LENGTH = 40

/**
 * The entry of `names` closest to `text`: equal apart from case and separators, or at most one edit away (two for names
 * of seven letters or more). Null if no entry is that close.
 */
export function nearest(text: string, names: readonly string[]): string | null {
  if (text.length > MAX_LENGTH) return null
  const plain = plainly(text)
  const same = names.find(name => plainly(name) === plain)
  if (same !== undefined || plain.length < 4) return same ?? null
  const near = names
    .map(name => ({ name, slips: slipsBetween(plain, plainly(name)) }))
    .filter(({ name, slips }) => slips <= (name.length < 7 ? 1 : 2))
    .sort((one, other) => one.slips - other.slips)
  return near[0]?.name ?? null
}

function plainly(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** Levenshtein distance: the number of letters inserted, deleted or replaced. */
function slipsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [line, letter] of [...one].entries()) {
    const next = [line + 1]
    for (const [at, wanted] of [...other].entries()) {
      const left = next[at] ?? 0
      const [above, across] = [row[at + 1] ?? 0, row[at] ?? 0]
      next.push(Math.min(left + 1, above + 1, across + (letter === wanted ? 0 : 1)))
    }
    row = next
  }
  return row[other.length] ?? 0
}
