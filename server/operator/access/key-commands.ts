/**
 * The operator's commands for API keys. Part of the table in `commands.ts`; `keys.ts` does what they ask for.
 */
import { JSON_OPTION } from '#client/cli/described.ts'
import { countedDescendants, isChildren } from '#server/domain/access/revocation.ts'
import {
  type Command,
  MODE_OPTION,
  ORG_OPTION,
  operatorDeps,
  option,
  organizationOf,
  printList,
  required,
} from '#server/operator/command.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import type { Family, Revocation } from '#server/store/access/revocation.ts'
import { printableRow } from '#shared/base/printable.ts'
import { Mode, typedId, uuidOf } from '#shared/base/wire.ts'
import { createKeyAsOperator, revokeKeyAsOperator } from './keys.ts'

/** The commands `keys create`, `keys list`, `keys revoke`. */
export const keyCommands: readonly Command[] = [
  {
    words: ['keys', 'create'],
    options: [
      { ...MODE_OPTION, isRequired: true },
      { name: 'name', value: 'NAME', about: 'its purpose, shown in lists' },
      ORG_OPTION,
    ],
    about: 'creates an API key and prints it once',
    async run(context, args) {
      const mode = Mode.safeParse(required(args, 'mode'))
      if (!mode.success) throw new Error('--mode must be live or test.')
      const deps = await operatorDeps(context)
      const organizationId = await organizationOf(deps.db, args)
      context.print(
        await createKeyAsOperator(deps, { organizationId, mode: mode.data, name: option(args, 'name') ?? null }),
      )
      return 0
    },
  },
  {
    words: ['keys', 'list'],
    options: [ORG_OPTION, JSON_OPTION],
    about: 'lists API keys, without their text',
    async run(context, args) {
      const db = await context.openDb()
      const items = (await apiKeys.list(db, await organizationOf(db, args))).map(shownKey)
      printList(context, args, {
        items,
        line: ({ id, mode, last4, revokedAt, name }) =>
          printableRow([id, mode, `…${last4}`, revokedAt === null ? 'in use' : `revoked ${revokedAt}`, name ?? '']),
      })
      return 0
    },
  },
  {
    words: ['keys', 'revoke'],
    operands: [{ name: 'ID', isRequired: true, about: 'the key: key_…' }],
    options: [
      {
        name: 'children',
        choices: ['revoke', 'keep'],
        about: 'what happens to the keys and capabilities that it created',
      },
      { name: 'force', about: 'even if it is the last one with organization.write' },
      ORG_OPTION,
    ],
    about: 'revokes an API key at once; what it has made lives on or ends with it, as --children says',
    async run(context, args) {
      const id = uuidOf(args.operands[0] ?? '', 'key_')
      if (id === null) throw new Error('Name the key to revoke: key_ and 32 hex digits, as keys list prints it.')
      const children = option(args, 'children')
      if (children !== undefined && !isChildren(children)) throw new Error('--children must be revoke or keep.')
      const deps = await operatorDeps(context)
      const organizationId = await organizationOf(deps.db, args)
      const ask = { organizationId, id, children, force: args.options['force'] === true }
      context.complain(revocationText(await revokeKeyAsOperator(deps, ask)))
      return 0
    },
  },
]

/** The result of a revocation as text. Throws a sentence if nothing was revoked. */
function revocationText(done: Revocation): string {
  if (done.outcome === 'unknown') throw new Error('There is no key with that id.')
  if (done.outcome === 'revoked') return `revoked, with ${countedDescendants(counted(done.revoked))}`
  if (done.missing === 'force')
    throw new Error('No key with organization.write would be left in this mode. Say --force to revoke it all the same.')
  throw new Error(
    `The key has made ${countedDescendants(counted(done.living))}. Add --children revoke or --children keep.`,
  )
}

function counted({ keys, capabilities }: Family) {
  return { keys: keys.length, capabilities: capabilities.length }
}

function shownKey(key: Awaited<ReturnType<typeof apiKeys.list>>[number]) {
  const revokedAt = key.revoked_at?.toISOString() ?? null
  return { id: typedId('key_', key.id), mode: key.mode, last4: key.last4, name: key.name, revokedAt }
}
