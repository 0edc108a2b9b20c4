/**
 * Commands for the life cycle of keys. Each can be killed and repeated: it then resumes, and creates no further key.
 * Part of the table in `commands.ts`.
 */
import { JSON_OPTION, type OperandSpec } from '#client/cli/described.ts'
import {
  type Arguments,
  type Command,
  type CommandContext,
  ORG_OPTION,
  operatorDeps,
  option,
  required,
} from '#server/operator/command.ts'
import { initKeyrings, upgradeFiles } from '#server/seal/keyring-file.ts'
import type { KeyKind } from '#server/seal/keyring-rotation.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { newKeyId } from './key-id.ts'
import { folderOf, retireKeys, rotateKeyrings, watchReseal } from './keyring-steps.ts'
import { removeOrganization, requestReseal, rotateOrganization } from './rotation.ts'

/** The organization named by the operand; unlike other commands, one that shreds does not default to the first. */
async function operandOf(context: CommandContext, args: Arguments): Promise<string> {
  const given = args.operands[0] ?? ''
  const id = uuidOf(given, 'org_') ?? given
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new Error('Name the organization by its id.')
  if (!(await organizations.exists(await context.openDb(), id)))
    throw new Error('There is no organization with that id.')
  return id
}

function rotation(kind: KeyKind, about: string): Command {
  return {
    words: ['keyring', `rotate-${kind}`],
    about,
    run: context => rotateKeyrings(context, kind),
  }
}

const ORG: OperandSpec = { name: 'ORG', isRequired: true, about: 'the organization: its UUID or org_…' }

/** The commands `keyring …` and `org remove`. */
export const keyringCommands: readonly Command[] = [
  {
    words: ['keyring', 'init'],
    options: [
      { name: 'dir', value: 'DIR', isRequired: true, completes: 'folders', about: 'created if it does not exist' },
    ],
    about: 'writes DIR/web.json and DIR/worker.json, and never overwrites them',
    async run(context, args) {
      const dir = required(args, 'dir')
      await initKeyrings(dir, newKeyId)
      context.complain(`wrote ${dir}/web.json and ${dir}/worker.json`)
      return 0
    },
  },
  {
    words: ['keyring', 'upgrade'],
    about: 'converts the keyrings of an earlier release to the format of this one; back them up first',
    async run(context) {
      const isNew = await upgradeFiles(folderOf(context), newKeyId)
      context.complain(
        isNew
          ? 'Upgraded. Now start the new workers, then the new web processes, then run db grant. Processes of the release ' +
              'before go on with the keyring that they have read: replace them, and neither restart nor signal them.'
          : 'The keyrings have the format of this release.',
      )
      return 0
    },
  },
  {
    words: ['keyring', 'rotate-org'],
    operands: [ORG],
    about: 'gives an organization a new sealing key, and waits until workers have resealed its credentials',
    async run(context, args) {
      const organizationId = await operandOf(context, args)
      const deps = await operatorDeps(context)
      const isNew = await rotateOrganization(deps, organizationId)
      context.complain(isNew ? 'A new key is in use.' : 'A rotation is in progress; it continues.')
      return watchReseal(context, deps, organizationId)
    },
  },
  rotation('master', 'a new master key: first announced, then used, and every organization key is wrapped with it'),
  rotation('signing', "new signing keys of both tiers: first announced, then used; then run 'keyring reseal'"),
  rotation('pepper', 'a new pepper for new keys and capabilities: first announced, then used'),
  rotation('fingerprint', "a new key for fingerprints: first announced, then used; then run 'keyring reseal'"),
  rotation('lease', 'a new key pair that signs leases: first announced, then used; holders must know it before'),
  {
    words: ['keyring', 'reseal'],
    options: [{ ...ORG_OPTION, about: 'only this organization; default: all' }],
    about: 'makes workers replace whatever older keys sealed, signed or fingerprinted, and waits for it',
    async run(context, args) {
      const given = option(args, 'org')
      const organizationId = given === undefined ? null : await operandOf(context, { ...args, operands: [given] })
      const deps = await operatorDeps(context)
      await requestReseal(deps, organizationId)
      return watchReseal(context, deps, organizationId)
    },
  },
  {
    words: ['keyring', 'retire'],
    options: [JSON_OPTION],
    about: 'removes the keys that are no longer needed from both keyrings, and prints them',
    run: retireKeys,
  },
  {
    words: ['org', 'remove'],
    operands: [ORG],
    options: [{ name: 'yes', isRequired: true, about: 'confirms it: nothing can restore them' }],
    about: 'permanently destroys the keys and credentials of an organization; its audit record stays',
    async run(context, args) {
      const organizationId = await operandOf(context, args)
      if (args.options['yes'] !== true)
        throw new Error('This cannot be undone: its credentials can never be opened again. Add --yes to confirm.')
      await removeOrganization(await operatorDeps(context), organizationId)
      context.complain('removed')
      return 0
    },
  },
]
