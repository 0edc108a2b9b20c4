/**
 * The completions of a shell, derived from the table of commands: for each position the words that may follow, and for
 * each option its values. Ids are never completed: a shell would have to wait for a server. `shells.ts` formats the
 * completions.
 */
import { type Described, type OptionSpec, takesValue } from '#client/cli/described.ts'

/** A word or an option that may follow, and its description. */
export interface Candidate {
  readonly word: string
  readonly about: string
}

/** A position in a command line: the words so far, and those that may follow. */
export interface CompletionPlace {
  readonly at: string
  readonly next: readonly Candidate[]
  readonly options: readonly OptionSpec[]
}

/** All positions, and every option with a value, each once. */
export interface Completion {
  readonly places: readonly CompletionPlace[]
  readonly values: readonly OptionSpec[]
}

const HELP: OptionSpec = { name: 'help', about: 'prints the help' }
const VERSION: OptionSpec = { name: 'version', about: 'prints the version' }

/** Derives them from the table. */
export function completionOf(all: readonly Described[]): Completion {
  const groups = new Map<string, Map<string, string>>()
  for (const { words, about } of all)
    for (const [at, word] of words.entries()) {
      const group = words.slice(0, at).join(' ')
      const next = groups.get(group) ?? new Map<string, string>()
      const isWhole = at + 1 === words.length
      if (isWhole || !next.has(word)) next.set(word, isWhole ? about : `commands of ${word}`)
      groups.set(group, next)
    }
  const inGroups = [...groups].map(([at, next]) => ({
    at,
    next: [...next].map(([word, about]) => ({ word, about })),
    options: at === '' ? [HELP, VERSION] : [HELP],
  }))
  const values = all.flatMap(({ options = [] }) => options).filter(takesValue)
  return {
    places: [...inGroups, ...all.map(placeOf)],
    values: [...new Map(values.map(option => [option.name, option])).values()],
  }
}

function placeOf({ words, operands = [], options = [] }: Described): CompletionPlace {
  const choices = operands.flatMap(({ choices: all = [], about }) => all.map(word => ({ word, about })))
  return { at: words.join(' '), next: choices, options: [...options, HELP] }
}
