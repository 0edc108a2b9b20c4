/**
 * Operators' commands as `cli.ts` runs them, in this process: on a test's database and keyrings, at a time of its
 * choice.
 */
import { join } from 'node:path'
import { commands } from '#server/operator/commands.ts'
import { readWorkerKeyring } from '#server/seal/keyring-file.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** A command's result. */
export interface Ran {
  readonly status: number
  readonly printed: readonly string[]
  readonly complained: string
  /** The output of its progress. */
  readonly shown: string
}

/** The database, the keyrings and the time of commands. */
export interface OperatorDeps {
  readonly db: Db
  readonly databaseUrl: string
  readonly keyringDir: string
  readonly now?: () => Date
  readonly isTerminal?: boolean
}

/**
 * Runs one command: `operator(ground)('keyring', 'rotate-org', id)`. Options follow the operands. Rejects with its
 * sentence.
 */
export function operator(deps: OperatorDeps) {
  return async (...given: (string | Record<string, string | boolean | string[]>)[]): Promise<Ran> => {
    const words = given.filter(part => typeof part === 'string')
    const options = Object.assign({}, ...given.filter(part => typeof part !== 'string'))
    const command = commands.find(one => one.words.every((word, at) => words[at] === word))
    if (command === undefined) throw new Error(`there is no command ${words.join(' ')}`)
    const printed: string[] = []
    let [complained, displayed] = ['', '']
    const context = {
      now: (deps.now ?? (() => new Date()))(),
      print: (line: string) => void printed.push(line),
      complain: (line: string) => {
        complained += `${line}\n`
      },
      url: async () => deps.databaseUrl,
      openDb: async () => deps.db,
      keyring: () => readWorkerKeyring(join(deps.keyringDir, 'worker.json')),
      keyringDir: deps.keyringDir,
      moveTarget: () => null,
      sentenceOf: (error: unknown) => (error instanceof Error ? error.message : String(error)),
      consoleAddress: null,
      screen: {
        isTerminal: deps.isTerminal ?? false,
        write: (text: string) => {
          displayed += text
        },
      },
    }
    const status = await command.run(context, { operands: words.slice(command.words.length), options })
    return { status, printed, complained, shown: displayed }
  }
}
