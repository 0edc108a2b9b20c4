/**
 * The single table of commands: operators' commands, callers' commands, and shell completion, which is derived from the
 * table itself. The command line, `docs/commands.md` and the tests read it. It runs nothing.
 */
import { CALLER_OPTIONS, type CallerCommand } from '#client/cli/caller-command.ts'
import type { Described } from '#client/cli/described.ts'
import { registerCommand } from '#client/cli/register/register-command.ts'
import { schemaCommands } from '#client/cli/schema.ts'
import { type Command, option } from '#server/operator/command.ts'
import { commands } from '#server/operator/commands.ts'
import { completionOf } from './completion.ts'
import { completionScript, isShell, SHELLS } from './shells.ts'

/** Callers' commands, over tRPC. */
export const callerCommands: readonly CallerCommand[] = [registerCommand, ...schemaCommands].map(command => ({
  ...command,
  options: [...(command.options ?? []), ...CALLER_OPTIONS],
}))

/** Commands that only affect this machine: the command line itself, and the console of a local installation. */
export const ownCommands: readonly Command[] = [
  {
    words: ['console'],
    about: 'prints an address that signs in to the console of a local installation, once and within five minutes',
    async run(context) {
      if (context.consoleAddress === null)
        throw new Error('With DATABASE_URL the console is signed in to with an API key: keys create makes one.')
      context.print(await context.consoleAddress())
      return 0
    },
  },
  {
    words: ['completion'],
    operands: [{ name: 'SHELL', choices: SHELLS, isRequired: true, about: 'the shell' }],
    options: [{ name: 'name', value: 'NAME', about: 'the name of the command; default: mooring' }],
    about:
      'prints a script with which a shell completes commands, options and values: source <(mooring completion bash)',
    async run(context, args) {
      const [shell = ''] = args.operands
      if (!isShell(shell)) throw new Error(`Name the shell: ${SHELLS.join(', ')}.`)
      const name = option(args, 'name') ?? 'mooring'
      if (!/^[\w-]+$/.test(name)) throw new Error('--name must be letters, digits, _ and -.')
      context.print(completionScript(shell, name, completionOf(allCommands)))
      return 0
    },
  },
]

/** All commands, in the order of the help text. */
export const allCommands: readonly Described[] = [...commands, ...ownCommands, ...callerCommands]
