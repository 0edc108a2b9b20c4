/**
 * What a caller's command is: it speaks tRPC like any caller, with a key of its own, and gets its settings as arguments.
 * Part of the table of commands.
 */
import type { Described, Given } from './described.ts'

/** Which installation to call, and with which key. */
export interface Settings {
  readonly url: string
  readonly key: string
}

/** What follows the command's words, and where lines go. */
export interface Invocation extends Given {
  readonly print: (line: string) => void
}

/** One command; `run` returns the exit status. */
export interface CallerCommand extends Described {
  run(settings: Settings, invocation: Invocation): Promise<number>
}
