/**
 * `org move`: moves one organization from this installation to another that shares its keyrings. Part of the table in
 * `commands.ts`.
 */

import { type Arguments, type Command, type CommandContext, ORG_OPTION, option } from '#server/operator/command.ts'
import { aboutDatabase, databaseTrouble } from '#server/store/connection/database-trouble.ts'
import { openDb } from '#server/store/database/db.ts'
import { readOrigin, recogniseOrigin } from '#server/store/installation/installation.ts'
import { candidates, holdMove, stateOf } from '#server/store/moves/move-lookups.ts'
import { prepareSession } from '#server/store/moves/move-shapes.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { requireSameKeyring, requireSameRelease, type Sides, stageOf } from './checks.ts'
import { cancelMove, type MoveRun, runMove } from './move.ts'

/** The command `org move`. */
export const moveCommands: readonly Command[] = [
  {
    words: ['org', 'move'],
    operands: [{ name: 'ORG', isRequired: false, about: 'its UUID or org_…; default: the only one' }],
    options: [
      {
        name: 'to',
        value: 'DATABASE_URL',
        about:
          'the database of the other installation; other users of this machine can read it here; default: MOORING_MOVE_TO',
      },
      { name: 'cancel', about: 'cancels the move: everything stays here' },
      { name: 'yes', about: 'assumes that both have the same keyrings if that cannot be checked' },
      { ...ORG_OPTION, about: 'the same as ORG' },
    ],
    about:
      'moves an organization to another installation with the same keyrings; run it again after a kill, --cancel gives it up',
    async run(context, args) {
      const { url, setting } = targetOf(context, args)
      const source = await context.openDb()
      const target = await aboutDatabase(setting, async () => openDb({ url, size: 2, onError: () => undefined }))
      const pools = { source, target }
      try {
        await aboutDatabase(setting, () => pools.target.connection().execute(prepareSession))
        const org = await operandOf(pools.source, args)
        await pools.source
          .connection()
          .execute(source =>
            pools.target.connection().execute(target => moveBetween(context, args, { org, pools, source, target })),
          )
      } catch (error) {
        // If a statement fails midway, it is unknown which of the two databases failed.
        throw databaseTrouble(`DATABASE_URL or ${setting}`, error) ?? error
      } finally {
        await pools.target.destroy()
      }
      return 0
    },
  },
]

/** The target database, and the option or setting that names it. */
function targetOf(context: CommandContext, args: Arguments): { url: string; setting: '--to' | 'MOORING_MOVE_TO' } {
  const given = option(args, 'to')
  if (given !== undefined) return { url: given, setting: '--to' }
  const url = context.moveTarget()
  if (url !== null) return { url, setting: 'MOORING_MOVE_TO' }
  throw new Error('Name the database of the other installation: MOORING_MOVE_TO, MOORING_MOVE_TO_FILE or --to.')
}

async function moveBetween(
  context: CommandContext,
  args: Arguments,
  sides: Sides & { org: string; pools: Sides },
): Promise<void> {
  const { org } = sides
  const move: MoveRun = { ...sides, now: () => context.now, say: context.complain, screen: context.screen }
  for (const session of [sides.source, sides.target]) await prepareSession(session)
  await requireSameRelease(sides)
  if (!(await holdMove(sides.source, org))) throw new Error('Another command is moving this organization now.')
  if (args.options['cancel'] === true) return cancelMove(move)
  // Positions issued on another server must end before they are copied.
  for (const session of [sides.source, sides.target]) await recogniseOrigin(session, await readOrigin(session))
  const stage = stageOf(await stateOf(sides.source, org), await stateOf(sides.target, org))
  // After the copy, the source's keyring opens nothing of the organization.
  if (stage === 'copy')
    await requireSameKeyring(sides, { org, keyring: await context.keyring(), isTrusted: args.options['yes'] === true })
  await runMove(move, stage)
}

/** The named organization, as UUID or `org_…`; without a name, the only one. */
async function operandOf(db: Db, args: Arguments): Promise<string> {
  const given = args.operands[0] ?? option(args, 'org')
  if (given === undefined) {
    const [only, ...others] = await candidates(db)
    if (only === undefined || others.length > 0) throw new Error('Name the organization by its id.')
    return only
  }
  const id = uuidOf(given, 'org_') ?? given
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new Error('Name the organization by its id.')
  return id
}
