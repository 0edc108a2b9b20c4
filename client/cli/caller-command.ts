/**
 * The description of a caller's command: it speaks tRPC like any caller, with a key of its own, and gets its settings
 * as arguments. Part of the table of commands.
 */
import type { Described, Given, OptionSpec } from './described.ts'

/** The installation to call, and the key to use. */
export interface CallerSettings {
  readonly url: string
  readonly key: string
}

/** The operands and options of a call, and its output. */
export interface Invocation extends Given {
  readonly print: (line: string) => void
  /** Absent for a command that asks no questions. */
  readonly terminal?: Terminal
}

/** The terminal, for questions to a person and for messages that are not results. */
export interface Terminal {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WritableStream
  /** True if `output` is a screen, on which a line can be overwritten. */
  readonly isScreen: boolean
}

/**
 * Options that every caller's command has; they take precedence over the environment. The key itself is never an
 * argument, because other accounts could read it there.
 */
export const CALLER_OPTIONS: readonly OptionSpec[] = [
  { name: 'url', value: 'URL', about: 'the installation; default: MOORING_URL' },
  { name: 'key-file', value: 'FILE', completes: 'files', about: 'a file with the API key; default: MOORING_API_KEY' },
]

/** One command. `run` returns the exit status. */
export interface CallerCommand extends Described {
  run(settings: CallerSettings, invocation: Invocation): Promise<number>
}
