/**
 * The command line, `npm run -s mooring -- …`: operators' commands directly on the database, and callers' commands
 * (`schema …`) over tRPC with a key. It works alongside a running server, and in local mode joins the embedded one or
 * starts it while the command runs.
 */

import { readdir, readFile } from 'node:fs/promises'
import type { Terminal } from '#client/cli/caller-command.ts'
import type { Described, Given } from '#client/cli/described.ts'
import { stampIdsBy } from '#server/domain/access/ids.ts'
import type { CommandContext } from '#server/operator/command.ts'
import { parseCommandLine } from '#server/operator/command-line/program.ts'
import { allCommands, callerCommands, ownCommands } from '#server/operator/command-line/table.ts'
import { commands } from '#server/operator/commands.ts'
import { workerKeyring } from '#server/process/keyring-source.ts'
import { directUrl } from '#server/process/process.ts'
import { unknownSettings } from '#server/settings/known-settings.ts'
import { newConsoleAddress } from '#server/standalone/console-sign-in.ts'
import { ensureKeyrings, startLocalDatabase } from '#server/standalone/standalone.ts'
import { databaseTrouble } from '#server/store/connection/database-trouble.ts'
import { DatabaseClock } from '#server/store/database/database-clock.ts'
import { openDb } from '#server/store/database/db.ts'
import { firstError } from '#shared/base/error-text.ts'
import { printableLines } from '#shared/base/printable.ts'
import { VERSION } from '#shared/base/version.ts'
import { type Config, environment, readCaller, readConfig, readMoveTarget } from './config.ts'

/** The name under which people call it: the package's command, or the script of a checkout, which runs the sources. */
const NAME = import.meta.url.endsWith('.ts') ? 'npm run -s mooring --' : 'mooring'

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseCommandLine(args, { name: NAME, version: VERSION, all: allCommands })
  if ('text' in parsed) {
    process[parsed.to === 'output' ? 'stdout' : 'stderr'].write(parsed.text)
    return parsed.status
  }
  const {
    command: { words },
    given,
  } = parsed
  let config: Config | null = null
  const isMeant = (candidate: Described) => candidate.words === words
  complainOfUnknownSettings()
  try {
    const called = callerCommands.find(isMeant)
    if (called !== undefined)
      return await called.run(readCaller(await callerEnvironment(given)), {
        ...given,
        print: printLine,
        terminal: TERMINAL,
      })
    const command = [...commands, ...ownCommands].find(isMeant)
    if (command === undefined) throw new Error(`There is no command ${words.join(' ')}.`)
    await using cleanup = new AsyncDisposableStack()
    config = readConfig(environment())
    if (command.makesNothing === true) await requireInstallation(config)
    return await command.run(contextOf(config, cleanup), given)
  } catch (error) {
    complainLine(sentenceOf(firstError(error), config))
    return parsed.command.failureStatus ?? 1
  }
}

/** An error of our own database names its setting; in local mode the data folder is already named. */
function sentenceOf(error: unknown, config: Config | null): string {
  const trouble = config === null || config.databaseUrl === null ? null : databaseTrouble('DATABASE_URL', error)
  const reported = trouble ?? error
  return reported instanceof Error ? reported.message : String(reported)
}

const TERMINAL: Terminal = { input: process.stdin, output: process.stderr, isScreen: process.stderr.isTTY === true }

/** The environment, with the options of a caller's command taking precedence. */
async function callerEnvironment({ options: { url, 'key-file': file } }: Given): Promise<NodeJS.ProcessEnv> {
  const key = typeof file === 'string' ? (await readFile(file, 'utf8')).trim() : undefined
  return {
    ...environment(),
    ...(typeof url === 'string' ? { MOORING_URL: url } : {}),
    ...(key === undefined ? {} : { MOORING_API_KEY: key }),
  }
}

/** In local mode a command creates what it needs; a read-only one does not. */
async function requireInstallation({ databaseUrl, localDir }: Config): Promise<void> {
  if (databaseUrl !== null) return
  const found: readonly string[] = await readdir(localDir).catch(() => [])
  if (!found.includes('postgres'))
    throw new Error(
      `There is no installation in MOORING_DATA_DIR=${localDir}: start one with npm start, or set DATABASE_URL.`,
    )
}

/** A mistyped setting has no effect, which would otherwise go unnoticed. */
function complainOfUnknownSettings(): void {
  for (const { name, nearest } of unknownSettings(environment()))
    complainLine(`${name} is not a setting and has no effect.${nearest === null ? '' : ` Did you mean ${nearest}?`}`)
}

/** Commands only print safe text. This protects against one that forgets: no output may control a terminal. */
function printLine(line: string): void {
  process.stdout.write(`${printableLines(line)}\n`)
}

function complainLine(line: string): void {
  process.stderr.write(`${printableLines(line)}\n`)
}

/** The context of commands, created on demand: `keyring init` needs no database, `role-sql` needs nothing. */
function contextOf(config: Config, cleanup: AsyncDisposableStack): CommandContext {
  const url = async () => {
    if (config.databaseUrl !== null) return directUrl(config, config.databaseUrl)
    const local = await startLocalDatabase(config)
    cleanup.defer(() => local.embedded.stop())
    await ensureKeyrings(config, local.url)
    return local.url
  }
  // Until a database is open, whose clock may differ from that of an operator's machine.
  let now = () => new Date()
  return {
    get now() {
      return now()
    },
    print: printLine,
    complain: complainLine,
    url,
    async openDb() {
      const db = openDb({ url: await url(), size: 2, onError: () => undefined })
      cleanup.defer(() => db.destroy())
      const clock = new DatabaseClock(db)
      await clock.measure()
      now = () => clock.now()
      stampIdsBy(now)
      return db
    },
    keyring: () => workerKeyring(config, true),
    // If a keyring command is set, the processes ignore the keyrings in a folder, even if it is named.
    keyringDir: config.keyringCommand === null ? config.keyring : null,
    moveTarget: () => readMoveTarget(environment()),
    sentenceOf: error => sentenceOf(error, config),
    screen: { isTerminal: process.stderr.isTTY, write: text => void process.stderr.write(text) },
    consoleAddress: config.databaseUrl === null ? () => newConsoleAddress(config, new Date()) : null,
  }
}

/** The reader of the output may leave, as `head` does: the command still finishes its work and keeps its own status. */
function unlessReaderLeft(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

for (const stream of [process.stdout, process.stderr]) stream.on('error', unlessReaderLeft)
process.exitCode = await main(process.argv.slice(2))
