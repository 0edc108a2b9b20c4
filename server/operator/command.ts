/**
 * What an operator's command is and what it is given. A result alone goes to standard output, so that a script can use it
 * as it is; everything else goes to standard error.
 */
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { uuidOf } from '#shared/base/wire.ts'
import type { Screen } from './progress.ts'

/** What a command may ask for. */
export interface CommandContext {
  /** The database's time once it was opened; before, that of this machine. */
  readonly now: Date
  readonly print: (line: string) => void
  readonly complain: (line: string) => void
  readonly url: () => Promise<string>
  readonly openDb: () => Promise<Db>
  readonly keyring: () => Promise<WorkerKeyring>
  /** The folder with both keyrings, for what changes them; null when a command prints them. */
  readonly keyringDir: string | null
  readonly screen: Screen
}

/** What follows the command's words. */
export interface Arguments {
  readonly operands: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | string[] | undefined>>
}

/** One command; `run` returns the exit status. What it throws is printed as one sentence. */
export interface Command {
  readonly words: readonly string[]
  readonly synopsis: string
  readonly about: string
  run(context: CommandContext, args: Arguments): Promise<number>
}

/** The text that an option was given; undefined without it. */
export function option(args: Arguments, name: string): string | undefined {
  const value = args.options[name]
  return typeof value === 'string' ? value : undefined
}

/** The text of an option that has to be there. */
export function required(args: Arguments, name: string): string {
  const value = option(args, name)
  if (value === undefined) throw new Error(`--${name} is missing.`)
  return value
}

/** The organization that `--org` names, as UUID or `org_…`; without it the first. */
export async function organizationOf(db: Db, args: Arguments): Promise<string> {
  const given = option(args, 'org')
  if (given === undefined) {
    const first = await organizations.first(db)
    if (first === undefined)
      throw new Error('There is no organization yet. Make one with: npm run -s mooring -- org create --name NAME')
    return first.id
  }
  const id = uuidOf(given, 'org_') ?? given
  const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)
  if (!isUuid || !(await organizations.exists(db, id))) throw new Error('There is no organization of that id.')
  return id
}
