/**
 * The shape of an operator's command and its context. Only the result goes to standard output, so that a script can use
 * it unchanged; everything else goes to standard error.
 */
import type { Described, Given, OptionSpec } from '#client/cli/described.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { printableJson } from '#shared/base/printable.ts'
import { uuidOf } from '#shared/base/wire.ts'
import type { OperatorDeps } from './organizations.ts'
import type { Screen } from './progress.ts'

/** The context of a command. */
export interface CommandContext {
  /** The database's time once it is open; before that, this machine's. */
  readonly now: Date
  readonly print: (line: string) => void
  readonly complain: (line: string) => void
  readonly url: () => Promise<string>
  readonly openDb: () => Promise<Db>
  readonly keyring: () => Promise<WorkerKeyring>
  /** The folder with both keyrings, for commands that change them; null if a command prints them. */
  readonly keyringDir: string | null
  readonly screen: Screen
  /** The database that an organization moves to, from the environment; null if not set. */
  readonly moveTarget: () => string | null
  /** The operator's sentence for an error. */
  readonly sentenceOf: (error: unknown) => string
  /** Creates a one-time sign-in address for the console; null except in local mode. Contains a secret. */
  readonly consoleAddress: (() => Promise<string>) | null
}

/** The operands and options after the command's words. */
export type Arguments = Given

/** One command; `run` returns the exit status. An error is printed as one sentence. */
export interface Command extends Described {
  /** The command refuses to create an installation if there is none, which other commands do in local mode. */
  readonly makesNothing?: true
  run(context: CommandContext, args: Arguments): Promise<number>
}

/** `--org`, for every command on one organization. */
export const ORG_OPTION: OptionSpec = { name: 'org', value: 'ID', about: 'the organization; default: the first one' }

/** `--mode`. */
export const MODE_OPTION: OptionSpec = { name: 'mode', choices: ['live', 'test'], about: 'live or test' }

/** The dependencies of a command that needs the worker's keyring. */
export async function operatorDeps(context: CommandContext): Promise<OperatorDeps> {
  return { db: await context.openDb(), keyring: await context.keyring(), now: context.now }
}

/** Prints a list: one line per item, or with `--json` a single array. */
export function printList<T extends object | string>(
  context: Pick<CommandContext, 'print'>,
  { options }: Arguments,
  list: { readonly items: readonly T[]; readonly line: (item: T) => string },
): void {
  if (options['json'] === true) context.print(printableJson(list.items))
  else for (const item of list.items) context.print(list.line(item))
}

/** The value of an option; undefined if it is absent. */
export function option(args: Arguments, name: string): string | undefined {
  const value = args.options[name]
  return typeof value === 'string' ? value : undefined
}

/** The value of a required option. */
export function required(args: Arguments, name: string): string {
  const value = option(args, name)
  if (value === undefined) throw new Error(`--${name} is missing.`)
  return value
}

/** The organization that `--org` names, as UUID or `org_…`; by default the first. */
export async function organizationOf(db: Db, args: Arguments): Promise<string> {
  const given = option(args, 'org')
  if (given === undefined) {
    const first = await organizations.first(db)
    if (first === undefined)
      throw new Error('There is no organization yet. Create one with: npm run -s mooring -- org create --name NAME')
    return first.id
  }
  const id = uuidOf(given, 'org_') ?? given
  const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)
  if (!isUuid || !(await organizations.exists(db, id))) throw new Error('There is no organization with that id.')
  return id
}
