/**
 * The command line, `npm run -s mooring -- …`: operators' commands straight to the database. It works beside a running
 * server, and in local mode joins the embedded one or starts it for as long as the command takes.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { CommandContext } from '#server/operator/command.ts'
import { commands, usage } from '#server/operator/commands.ts'
import { readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/db.ts'
import { type Config, environment, readConfig } from './config.ts'
import { ensureKeyrings, startLocalDatabase } from './local.ts'

const OPTIONS = {
  mode: { type: 'string' },
  name: { type: 'string' },
  org: { type: 'string' },
  dir: { type: 'string' },
  schema: { type: 'string' },
  provider: { type: 'string' },
  'read-only': { type: 'boolean' },
  lease: { type: 'boolean' },
  datasource: { type: 'string', multiple: true },
  ttl: { type: 'string' },
  label: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
  const command = commands.find(candidate => candidate.words.every((word, at) => positionals[at] === word))
  if (values.help === true || command === undefined) {
    process.stderr.write(usage)
    return values.help === true ? 0 : 2
  }
  await using stack = new AsyncDisposableStack()
  const context = contextOf(readConfig(environment()), stack)
  return await command.run(context, { operands: positionals.slice(command.words.length), options: values })
}

/** What commands ask for, made when one asks: `keyring init` needs no database, `role-sql` needs nothing. */
function contextOf(config: Config, stack: AsyncDisposableStack): CommandContext {
  const url = async () => {
    if (config.databaseUrl !== null) return config.databaseUrl
    const local = await startLocalDatabase(config)
    stack.defer(() => local.embedded.stop())
    await ensureKeyrings(config)
    return local.url
  }
  return {
    now: new Date(),
    print: line => void process.stdout.write(`${line}\n`),
    complain: line => void process.stderr.write(`${line}\n`),
    url,
    async openDb() {
      const db = openDb({ url: await url(), size: 2, onError: () => undefined })
      stack.defer(() => db.destroy())
      return db
    },
    keyring: () => readWorkerKeyring(join(config.keyring, 'worker.json')),
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
