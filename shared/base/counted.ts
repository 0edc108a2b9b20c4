/**
 * A number with its noun, as sentences of checks and reports have it. Pure; called by what writes for people.
 */

/** `1 process`, `2 processes`. */
export function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`
}
