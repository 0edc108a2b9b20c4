/**
 * `status`: which processes of an installation run, their releases, the queue's depth and age, the keys, and how to fix
 * problems. It changes nothing. Each part is read whatever the state of the others.
 */
import { JSON_OPTION } from '#client/cli/described.ts'
import type { Command, CommandContext } from '#server/operator/command.ts'
import { usesOf } from '#server/operator/keyring/rotation.ts'
import { readKeyrings } from '#server/seal/keyring-file.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import { readFacts } from '#server/store/installation/database-facts.ts'
import * as processes from '#server/store/installation/processes.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { queueDepths } from '#server/store/tasks/queue-depth.ts'
import { printableJson, printableLines } from '#shared/base/printable.ts'
import { VERSION } from '#shared/base/version.ts'
import { databasePart, unreachableDatabase } from './database-part.ts'
import { keyringPart, unreadableKeyring } from './keyring-part.ts'
import { processesPart } from './processes-part.ts'
import { queuePart } from './queue-part.ts'
import { isWell, reportLines, reportOf, type StatusPart } from './report.ts'

const STATEMENT_MS = 10_000

/** The command. */
export const statusCommand: Command = {
  words: ['status'],
  options: [JSON_OPTION],
  about:
    'reports the state of web, worker, queue and keyring, and what to do about problems; exit status 1 if there are any',
  makesNothing: true,
  async run(context, { options }) {
    const { parts, db } = await lookAtDatabase(context)
    const all = [...parts, await lookAtKeyring(context, db)]
    if (options['json'] === true) context.print(printableJson(reportOf(VERSION, all)))
    else for (const line of reportLines(all)) context.print(printableLines(line))
    return isWell(all) ? 0 : 1
  },
}

async function lookAtDatabase(context: CommandContext): Promise<{ parts: StatusPart[]; db: Db | null }> {
  try {
    const db = await context.openDb()
    const facts = await readFacts(db)
    const database = databasePart(facts)
    // Without its tables nothing else can be read.
    if (facts.pending.length > 0) return { parts: [database], db: null }
    const parts = await withDeadline(STATEMENT_MS, async () => {
      const seen = { all: await processes.list(db), now: context.now, version: VERSION }
      const queue = queuePart(await queueDepths(db, context.now), context.now)
      return [processesPart('web', seen), processesPart('worker', seen), queue]
    })
    return { parts: [database, ...parts], db }
  } catch (error) {
    return { parts: [unreachableDatabase(context.sentenceOf(error))], db: null }
  }
}

async function lookAtKeyring(context: CommandContext, db: Db | null): Promise<StatusPart> {
  const dir = context.keyringDir
  try {
    if (dir === null) {
      // A command prints only one of the keyrings; only whether it is readable can be reported.
      await context.keyring()
      return { name: 'keyring', message: 'printed by MOORING_KEYRING_COMMAND', troubles: [], facts: { keys: null } }
    }
    const keyrings = await readKeyrings(dir)
    return keyringPart(keyrings, db === null ? null : await usesOf(db, context.now))
  } catch (error) {
    return unreadableKeyring(context.sentenceOf(error))
  }
}
