/**
 * The description of a command: its words, operands and options. From this one description come what is parsed, the help, the
 * documents, the completion of shells and the tests, so that none of them can say something else. It parses nothing itself.
 * Both tables of commands are made of it, the operators' and the callers'.
 */

/** An option. Without a `value` it is a flag. */
export interface OptionSpec {
  /** Without its dashes. */
  readonly name: string
  /** The placeholder of the value in texts, such as `TIME`. */
  readonly value?: string
  /** The only values that are taken. */
  readonly choices?: readonly string[]
  readonly isRequired?: true
  readonly isRepeatable?: true
  /** The completions of the value in a shell; absent for none. */
  readonly completes?: 'files' | 'folders'
  readonly about: string
}

/** An operand after the command's words. */
export interface OperandSpec {
  readonly name: string
  readonly isRequired: boolean
  /** The only values that are taken. */
  readonly choices?: readonly string[]
  readonly about: string
}

/** A command's description. */
export interface Described {
  readonly words: readonly string[]
  readonly about: string
  readonly operands?: readonly OperandSpec[]
  readonly options?: readonly OptionSpec[]
  /** The exit status of a failure where it is not 1. */
  readonly failureStatus?: number
}

/** The operands and options of a call. */
export interface Given {
  readonly operands: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | string[] | undefined>>
}

/** `--json`, of every command that lists something. */
export const JSON_OPTION: OptionSpec = { name: 'json', about: 'prints JSON, for programs' }

/** `--ttl TIME`, `--mode live|test`, `--force`. */
export function optionTerm({ name, value, choices }: OptionSpec): string {
  const displayed = choices?.join('|') ?? value
  return displayed === undefined ? `--${name}` : `--${name} ${displayed}`
}

/** Whether an option takes a value. */
export function takesValue({ value, choices }: OptionSpec): boolean {
  return value !== undefined || choices !== undefined
}

/** The line of a command: its words, operands and options; what may be left out is in brackets. */
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
