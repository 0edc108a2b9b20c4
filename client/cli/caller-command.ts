/**
 * A caller's command: it speaks tRPC like any caller, with a key of its own, and gets its settings as arguments.
 * Part of the table of commands.
 */
import type { Described, Given, OptionSpec } from './described.ts'

/** Which installation to call, and with which key. */
export interface CallerSettings {
  readonly url: string
  readonly key: string
}

/** The operands and options of a call, and its output. */
export interface Invocation extends Given {
  readonly print: (line: string) => void
  /** Absent for a command that asks nothing. */
  readonly terminal?: Terminal
}

/** The terminal: for questions to a person, and for messages that are not results. */
export interface Terminal {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WritableStream
  /** Whether `output` is a screen, on which a line can be written over. */
  readonly isScreen: boolean
}

/** Of every caller's command, before the environment. The key itself is never an argument: other accounts could read it there. */
export const CALLER_OPTIONS: readonly OptionSpec[] = [
  { name: 'url', value: 'URL', about: 'the installation; without it MOORING_URL' },
  { name: 'key-file', value: 'FILE', completes: 'files', about: 'a file with the API key; without it MOORING_API_KEY' },
]

/** One command; `run` returns the exit status. */
export interface CallerCommand extends Described {
  run(settings: CallerSettings, invocation: Invocation): Promise<number>
}
