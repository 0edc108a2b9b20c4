/**
 * The table of operators' commands, which run straight on the database with the worker's keyring.
 * Called by `cli.ts` and by nothing that serves requests.
 */

import { countedDescendants, isChildren } from '#server/domain/access/revocation.ts'
import { datasourceId, displayName } from '#server/domain/datasources/datasource-name.ts'
import { moveCommands } from '#server/operator/move/commands.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import type { Family, Revocation } from '#server/store/access/revocation.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { printableRow } from '#shared/base/printable.ts'
import { Mode, typedId, uuidOf } from '#shared/base/wire.ts'
import { capabilityCommands } from './capability-commands.ts'
import { type Command, option, organizationOf, required } from './command.ts'
import { dbCommands } from './db-commands.ts'
import { keyringCommands } from './keyring-commands.ts'
import { createKey, revokeKey } from './keys.ts'
import { createOrganization } from './organizations.ts'
import { settingsCommands } from './settings-commands.ts'

/** All commands, in the order of the usage text. */
export const commands: readonly Command[] = [
  {
    words: ['keys', 'create'],
    synopsis: 'keys create --mode live|test [--name NAME] [--org ID]',
    about: 'creates an API key and prints it, this once',
    async run(context, args) {
      const mode = Mode.safeParse(required(args, 'mode'))
      if (!mode.success) throw new Error('--mode must be live or test.')
      const db = await context.openDb()
      const organizationId = await organizationOf(db, args)
      const ground = { db, keyring: await context.keyring(), now: context.now }
      context.print(await createKey(ground, { organizationId, mode: mode.data, name: option(args, 'name') ?? null }))
      return 0
    },
  },
  {
    words: ['keys', 'list'],
    synopsis: 'keys list [--org ID]',
    about: 'lists API keys; never the keys themselves',
    async run(context, args) {
      const db = await context.openDb()
      for (const key of await apiKeys.list(db, await organizationOf(db, args))) {
        const state = key.revoked_at === null ? 'in use' : `revoked ${key.revoked_at.toISOString()}`
        context.print(printableRow([typedId('key_', key.id), key.mode, `…${key.last4}`, state, key.name ?? '']))
      }
      return 0
    },
  },
  {
    words: ['keys', 'revoke'],
    synopsis: 'keys revoke ID [--children revoke|keep] [--force] [--org ID]',
    about: 'revokes an API key at once; what it has made lives on or ends with it, as --children says',
    async run(context, args) {
      const id = uuidOf(args.operands[0] ?? '', 'key_')
      if (id === null) throw new Error('Name the key to revoke: key_ and 32 hex digits, as keys list prints it.')
      const children = option(args, 'children')
      if (children !== undefined && !isChildren(children)) throw new Error('--children must be revoke or keep.')
      const db = await context.openDb()
      const organizationId = await organizationOf(db, args)
      const ground = { db, keyring: await context.keyring(), now: context.now }
      const ask = { organizationId, id, children, force: args.options['force'] === true }
      context.complain(told(await revokeKey(ground, ask)))
      return 0
    },
  },
  {
    words: ['org', 'create'],
    synopsis: 'org create --name NAME',
    about: 'creates an organization and prints its id',
    async run(context, args) {
      const name = required(args, 'name')
      if (name.length < 1 || name.length > 200) throw new Error('--name must have 1 to 200 characters.')
      const ground = { db: await context.openDb(), keyring: await context.keyring(), now: context.now }
      context.print(await createOrganization(ground, name))
      return 0
    },
  },
  {
    words: ['datasources', 'list'],
    synopsis: 'datasources list [--org ID]',
    about: 'lists datasources',
    async run(context, args) {
      const db = await context.openDb()
      for (const row of await datasources.list(db, await organizationOf(db, args), { limit: null })) {
        context.print(
          printableRow([datasourceId(row), row.mode, row.status, row.status_reason ?? '', displayName(row)]),
        )
      }
      return 0
    },
  },
  {
    words: ['migrate'],
    synopsis: 'migrate',
    about: 'brings the database up to date',
    async run(context) {
      const applied = await migrate(await context.url())
      context.complain(applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`)
      return 0
    },
  },
  ...capabilityCommands,
  ...dbCommands,
  ...keyringCommands,
  ...moveCommands,
  ...settingsCommands,
]

/** What a revocation came to. Throws the sentence where nothing was revoked. */
function told(done: Revocation): string {
  if (done.outcome === 'unknown') throw new Error('There is no key of that id.')
  if (done.outcome === 'revoked') return `revoked, with ${countedDescendants(counted(done.revoked))}`
  if (done.missing === 'force')
    throw new Error('No key with organization.write would be left in this mode. Say --force to revoke it all the same.')
  throw new Error(
    `The key has made ${countedDescendants(counted(done.living))}. Say --children revoke or --children keep.`,
  )
}

function counted({ keys, capabilities }: Family) {
  return { keys: keys.length, capabilities: capabilities.length }
}

/** What is printed when a command is not one of these. */
export function usageOf(all: readonly { readonly synopsis: string; readonly about: string }[]): string {
  return [
    'Usage: npm run -s mooring -- COMMAND',
    '',
    ...all.map(one => `  ${one.synopsis}\n      ${one.about}`),
    '',
  ].join('\n')
}
