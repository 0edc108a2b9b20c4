/**
 * The word of a closed list that somebody meant and wrote otherwise: in another case, with other separators, or with a letter too
 * many. For the sentence of a refusal: the answer is always of the list, nothing of what was written.
 */

/** Longer texts are no slip of one of our words, and are not compared. */
const MAX_LENGTH = 40

/** The one of `names` that `text` is but for case and separators, or for two letters at most of a long name; null where none is near. */
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

/** Levenshtein's distance: letters that are added, left out or changed. */
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
