/**
 * The command line, `npm run -s mooring -- …`: operators' commands straight to the database, and callers'
 * commands (`schema …`) over tRPC with a key. It works beside a running
 * server, and in local mode joins the embedded one or starts it for as long as the command takes.
 */

import { parseArgs } from 'node:util'
import { schemaCommands } from '#client/cli/schema.ts'
import { stampIdsBy } from '#server/domain/access/ids.ts'
import type { CommandContext } from '#server/operator/command.ts'
import { commands, usageOf } from '#server/operator/commands.ts'
import { workerKeyring } from '#server/process/keyring-source.ts'
import { directUrl } from '#server/process/process.ts'
import { ensureKeyrings, startLocalDatabase } from '#server/standalone/standalone.ts'
import { DatabaseClock } from '#server/store/database/database-clock.ts'
import { openDb } from '#server/store/database/db.ts'
import { printableLines } from '#shared/base/printable.ts'
import { type Config, environment, readCaller, readConfig } from './config.ts'

const OPTIONS = {
  mode: { type: 'string' },
  name: { type: 'string' },
  org: { type: 'string' },
  dir: { type: 'string' },
  schema: { type: 'string' },
  table: { type: 'string' },
  provider: { type: 'string' },
  'read-only': { type: 'boolean' },
  children: { type: 'string' },
  force: { type: 'boolean' },
  lease: { type: 'boolean' },
  datasource: { type: 'string', multiple: true },
  ttl: { type: 'string' },
  label: { type: 'string' },
  web: { type: 'string' },
  worker: { type: 'string' },
  apply: { type: 'boolean' },
  yes: { type: 'boolean' },
  cancel: { type: 'boolean' },
  json: { type: 'boolean' },
  out: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  'role-policy': { type: 'string' },
  'check-interval': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
  const isMeant = (candidate: { words: readonly string[] }) =>
    candidate.words.every((word, at) => positionals[at] === word)
  const called = schemaCommands.find(isMeant)
  if (called !== undefined && values.help !== true) {
    const operands = positionals.slice(called.words.length)
    return called.run(readCaller(environment()), { operands, options: values, print: printLine })
  }
  const command = commands.find(isMeant)
  if (values.help === true || command === undefined) {
    process.stderr.write(usageOf([...commands, ...schemaCommands]))
    return values.help === true ? 0 : 2
  }
  await using cleanup = new AsyncDisposableStack()
  const context = contextOf(readConfig(environment()), cleanup)
  return await command.run(context, { operands: positionals.slice(command.words.length), options: values })
}

/** Commands print what is safe already. This is for one that forgets: no output steers a terminal. */
function printLine(line: string): void {
  process.stdout.write(`${printableLines(line)}\n`)
}

function complainLine(line: string): void {
  process.stderr.write(`${printableLines(line)}\n`)
}

/** What commands ask for, made when one asks: `keyring init` needs no database, `role-sql` needs nothing. */
function contextOf(config: Config, cleanup: AsyncDisposableStack): CommandContext {
  const url = async () => {
    if (config.databaseUrl !== null) return directUrl(config, config.databaseUrl)
    const local = await startLocalDatabase(config)
    cleanup.defer(() => local.embedded.stop())
    await ensureKeyrings(config, local.url)
    return local.url
  }
  // Until a database is opened, which the clock of an operator's machine may differ from.
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
    // What a folder holds beside a command is not what the processes use, also where it is named.
    keyringDir: config.keyringCommand === null ? config.keyring : null,
    screen: { isTerminal: process.stderr.isTTY, write: text => void process.stderr.write(text) },
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  complainLine(error instanceof Error ? error.message : String(error))
  // By 1 `schema drift` tells a script of a breaking change.
  process.exitCode = process.argv[2] === 'schema' ? 2 : 1
}
