/**
 * Checks before an organization is moved: whether both installations can take part, and which stage an earlier run of
 * the same command has reached. Nothing is changed here.
 */
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import { isOfLaterRelease, pendingMigrations } from '#server/store/installation/migrate.ts'
import { hasUnasking, type MoveState } from '#server/store/moves/move-lookups.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** Both databases, each as a session of its owner. */
export interface Sides {
  readonly source: Db
  readonly target: Db
}

/** Throws a sentence if the two run different releases, or a process of an earlier one is still running. */
export async function requireSameRelease({ source, target }: Sides): Promise<void> {
  for (const [which, db] of Object.entries({ source, target })) {
    const pending = await pendingMigrations(db)
    if (pending.length > 0)
      throw new Error(
        `The ${which} lacks migrations of this release (${pending[0]} …): run migrate there, and restart its processes.`,
      )
    if (await isOfLaterRelease(db))
      throw new Error(`The ${which} has migrations of a later release: run this command from that release.`)
    if (await hasUnasking(db))
      throw new Error(
        `A process of an earlier release is running at the ${which}, and would ignore the fence: replace it first.`,
      )
  }
}

/**
 * Throws a sentence unless the command's keyring opens the keys of the organization and of the target: anything that
 * the target cannot open would be lost. A target without organizations proves nothing; `isTrusted` means that the
 * operator vouches for it.
 */
export async function requireSameKeyring(
  { source, target }: Sides,
  { keyring, org, isTrusted }: { org: string; keyring: WorkerKeyring; isTrusted: boolean },
): Promise<void> {
  const unsealer = await createUnsealer(keyring)
  const opens = (key: Parameters<typeof unsealer.hold>[0]) => {
    try {
      unsealer.hold(key)[Symbol.dispose]()
      return true
    } catch {
      return false
    }
  }
  const own = await organizationKeys.list(source, { org })
  if (!own.every(opens))
    throw new Error(
      'This keyring cannot open the keys of the organization: give this command the keyring of the source.',
    )
  const theirs = (await organizationKeys.samples(target)).filter(key => key.organizationId !== org)
  if (!theirs.every(opens))
    throw new Error(
      'The target has a different keyring: it could open nothing of the organization. Installations that exchange organizations must share their keyrings.',
    )
  if (theirs.length === 0 && !isTrusted)
    throw new Error(
      'The target has no organization with which its keyring could be compared to this one. Create one there, with its own keyring ' +
        '(org create --name NAME), or add --yes if you know that both are the same.',
    )
}

/**
 * The stage at which a run begins. `copy`: starting with the fence; `switch`: the source has left; `wipe`: the target
 * is live.
 */
export type MoveStage = 'copy' | 'switch' | 'wipe'

/** Determines the stage. Throws a sentence if the organization cannot be moved between these two. */
export function stageOf(source: MoveState | undefined, target: MoveState | undefined): MoveStage {
  if (source === undefined || source.removedAt !== null) throw new Error('There is no organization with that id.')
  if (source.arrivingAt !== null)
    throw new Error('The organization is arriving here: run the command that moves it at the other installation.')
  const isSame = source.movingAt !== null && target !== undefined && target.moveId === source.moveId
  if (isSame && (target.movedAt !== null || (target.movingAt !== null && target.arrivingAt === null)))
    throw new Error("The target is the organization's current database: name the database to move it to.")
  if (source.movedAt !== null) return stageOfLeft(target, isSame)
  if (target === undefined || (isSame && target.arrivingAt !== null)) return 'copy'
  if (target.arrivingAt !== null)
    throw new Error('The target has a copy from another move: finish that move, or cancel it with --cancel.')
  if (target.movedAt === null) throw new Error('The target has an organization with this id.')
  return 'copy'
}

function stageOfLeft(target: MoveState | undefined, isSame: boolean): MoveStage {
  if (!isSame) throw new Error('The organization has moved, and not to this target.')
  return target?.arrivingAt === null ? 'wipe' : 'switch'
}
