/**
 * The description of a command: its words, operands and options. Parsing, help, documentation, shell completion and
 * tests all derive from this description, so none of them can disagree. It parses nothing itself. The tables of the
 * operators' and of the callers' commands both use it.
 */

/** An option. Without a `value` it is a flag. */
export interface OptionSpec {
  /** The name without its dashes. */
  readonly name: string
  /** The placeholder of the value in texts, such as `TIME`. */
  readonly value?: string
  /** The only accepted values. */
  readonly choices?: readonly string[]
  readonly isRequired?: true
  readonly isRepeatable?: true
  /** The kind of value that a shell completes; absent for none. */
  readonly completes?: 'files' | 'folders'
  readonly about: string
}

/** An operand after the command's words. */
export interface OperandSpec {
  readonly name: string
  readonly isRequired: boolean
  /** The only accepted values. */
  readonly choices?: readonly string[]
  readonly about: string
}

/** The description of a command. */
export interface Described {
  readonly words: readonly string[]
  readonly about: string
  readonly operands?: readonly OperandSpec[]
  readonly options?: readonly OptionSpec[]
  /** The exit status of a failure, if it is not 1. */
  readonly failureStatus?: number
}

/** The operands and options of a call. */
export interface Given {
  readonly operands: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | string[] | undefined>>
}

/** `--json`, which every command that lists something has. */
export const JSON_OPTION: OptionSpec = { name: 'json', about: 'prints JSON, for programs' }

/** Formats an option: `--ttl TIME`, `--mode live|test`, `--force`. */
export function optionTerm({ name, value, choices }: OptionSpec): string {
  const displayed = choices?.join('|') ?? value
  return displayed === undefined ? `--${name}` : `--${name} ${displayed}`
}

/** True if the option takes a value. */
export function takesValue({ value, choices }: OptionSpec): boolean {
  return value !== undefined || choices !== undefined
}

/** Formats the synopsis of a command: its words, operands and options, with optional parts in brackets. */
export function synopsisOf({ words, operands = [], options = [] }: Described): string {
  const named = operands.map(({ name, choices, isRequired }) => {
    const term = choices?.join('|') ?? name
    return isRequired ? term : `[${term}]`
  })
  const given = options.map(option => {
    const term = option.isRequired === true ? optionTerm(option) : `[${optionTerm(option)}]`
    return option.isRepeatable === true ? `${term}…` : term
  })
  return [...words, ...named, ...given].join(' ')
}
