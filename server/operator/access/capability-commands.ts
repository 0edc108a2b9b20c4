/**
 * Commands for capabilities that may lease, and for leases. They need the worker's keyring, which signs what a lease
 * requires. Part of the table in `commands.ts`.
 */
import { JSON_OPTION } from '#client/cli/described.ts'
import {
  type Arguments,
  type Command,
  MODE_OPTION,
  ORG_OPTION,
  operatorDeps,
  option,
  organizationOf,
  printList,
  required,
} from '#server/operator/command.ts'
import { leaseVerifyKeys } from '#server/seal/leases.ts'
import * as leases from '#server/store/access/leases.ts'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { printableRow } from '#shared/base/printable.ts'
import { Mode, typedId, uuidOf } from '#shared/base/wire.ts'
import { createLeaseCapability, modeOf, revokeLease } from './leases.ts'

const MAX_TTL_SECONDS = 2_592_000
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Converts `90`, `90s`, `15m`, `12h` or `30d` to seconds. */
function seconds(text: string): number {
  const [, digits, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? []
  const value = Number(digits) * (UNITS[unit] ?? 1)
  if (digits === undefined || value < 1 || value > MAX_TTL_SECONDS)
    throw new Error('--ttl must be seconds, or a number with s, m, h or d; at most 30d.')
  return value
}

function named(args: Arguments): DatasourceId[] {
  const given = args.options['datasource']
  return [given ?? []].flat().map(text => {
    const id = DatasourceId.safeParse(text)
    if (!id.success) throw new Error('--datasource must be an id such as ds_… or ds_test_….')
    return id.data
  })
}

/** The commands `capability create --lease`, `lease list`, `lease revoke`. */
export const capabilityCommands: readonly Command[] = [
  {
    words: ['capability', 'create'],
    options: [
      { name: 'lease', isRequired: true, about: 'may lease credentials: every other kind is minted through the API' },
      { name: 'ttl', value: 'TIME', isRequired: true, about: 'its lifetime: 90s, 15m, 12h; at most 30d' },
      {
        name: 'datasource',
        value: 'ID',
        isRepeatable: true,
        about: 'a datasource that it may lease: ds_… or ds_test_…',
      },
      { ...MODE_OPTION, about: 'instead of datasources: all of this mode' },
      { name: 'label', value: 'TEXT', about: 'its purpose, shown in lists' },
      ORG_OPTION,
    ],
    about: 'signs a capability that may lease credentials, and prints it once',
    async run(context, args) {
      if (args.options['lease'] !== true)
        throw new Error('Add --lease: every other capability is minted through the API, with a key.')
      const ttlSeconds = seconds(required(args, 'ttl'))
      const ids = named(args)
      const deps = await operatorDeps(context)
      const organizationId = await organizationOf(deps.db, args)
      const mode = ids.length > 0 ? await modeOf(deps, organizationId, ids) : Mode.safeParse(option(args, 'mode')).data
      if (mode === undefined) throw new Error('Name datasources with --datasource, or all of a mode with --mode.')
      const datasourceIds = ids.length > 0 ? ids : null
      const label = option(args, 'label') ?? null
      context.print(await createLeaseCapability(deps, { organizationId, mode, datasourceIds, ttlSeconds, label }))
      context.complain(
        `The program that uses it verifies leases with these keys: MOORING_LEASE_KEYS=${leaseVerifyKeys(deps.keyring).join(',')}`,
      )
      return 0
    },
  },
  {
    words: ['lease-key', 'show'],
    options: [JSON_OPTION],
    about: 'prints the public keys with which programs verify leases, one per line: verifyKeys, or MOORING_LEASE_KEYS',
    async run(context, args) {
      printList(context, args, { items: leaseVerifyKeys(await context.keyring()), line: key => key })
      return 0
    },
  },
  {
    words: ['lease', 'list'],
    options: [ORG_OPTION, JSON_OPTION],
    about: 'lists and counts live leases, without the leased credentials',
    async run(context, args) {
      const db = await context.openDb()
      const rows = await leases.live(db, await organizationOf(db, args), context.now)
      const items = rows.map(row => ({
        id: typedId('lease_', row.id),
        datasourceId: row.datasource_id,
        credentialVersion: row.version,
        capabilityId: typedId('cap_', row.capability_id),
        expiresAt: row.expires_at.toISOString(),
      }))
      printList(context, args, {
        items,
        line: one =>
          printableRow([one.id, `${one.datasourceId} v${one.credentialVersion}`, one.capabilityId, one.expiresAt]),
      })
      context.complain(`${rows.length} live`)
      return 0
    },
  },
  {
    words: ['lease', 'revoke'],
    operands: [{ name: 'ID', isRequired: true, about: 'the lease: lease_…' }],
    options: [ORG_OPTION],
    about: 'marks a lease as revoked; rotate the credential as well, since its holder knows it',
    async run(context, args) {
      const id = uuidOf(args.operands[0] ?? '', 'lease_')
      if (id === null) throw new Error('Name the lease to revoke: lease_ and 32 hex digits, as lease list prints it.')
      const deps = await operatorDeps(context)
      const organizationId = await organizationOf(deps.db, args)
      if (!(await revokeLease(deps, { organizationId, id }))) throw new Error('There is no live lease with that id.')
      context.complain('revoked')
      return 0
    },
  },
]
