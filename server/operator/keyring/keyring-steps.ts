/**
 * The steps of a rotation, as a command runs them: the next step, the remaining work, and the keys that may be dropped.
 * Called by `keyring-commands.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Arguments, type CommandContext, operatorDeps, printList } from '#server/operator/command.ts'
import type { OperatorDeps } from '#server/operator/organizations.ts'
import { startProgress } from '#server/operator/progress.ts'
import { leftOut } from '#server/operator/writing.ts'
import { readKeyrings, readWorkerKeyring, replaceKeyrings } from '#server/seal/keyring-file.ts'
import { announce, drop, inUseSince, isAnnounced, KEY_KINDS, type KeyKind, use } from '#server/seal/keyring-rotation.ts'
import { newKeyId } from './key-id.ts'
import { countUnmoved, resignAll, rewrapAll } from './rewrapping.ts'
import { countMoving, countStaleRows, usesOf } from './rotation.ts'

const LOOK_MS = 300
const IDLE_MS = 15_000
/**
 * A key is dropped at the earliest this long after its successor came into use: everything sent and sealed before is
 * then gone.
 */
const KEPT_MS = 900_000

/** The folder of the keyrings to change. Throws if a command prints them: we cannot write to its source. */
export function folderOf({ keyringDir }: CommandContext): string {
  if (keyringDir !== null) return keyringDir
  throw new Error(
    'The keyring comes from MOORING_KEYRING_COMMAND: put both files into a folder, run this with MOORING_KEYRING=DIR and ' +
      'without the command, and put the files back before you send SIGHUP.',
  )
}

/**
 * Shows how many credentials remain until none does. The workers reseal them; this only watches. Returns the exit
 * status.
 */
export async function watchReseal(
  context: CommandContext,
  deps: OperatorDeps,
  organizationId: string | null,
): Promise<number> {
  const total = await countStaleRows(deps, organizationId)
  const progress = startProgress(context.screen, { what: 'credentials', total, now: () => performance.now() })
  let [left, movedAt, isTold] = [total, performance.now(), false]
  for (;;) {
    progress.show(left)
    if (left === 0) break
    await delay(LOOK_MS)
    const next = await countStaleRows(deps, organizationId)
    if (next !== left) movedAt = performance.now()
    if (!isTold && performance.now() - movedAt > IDLE_MS) {
      isTold = true
      context.complain('\nNo progress: is a worker running with this keyring? Its log names what cannot be opened.')
    }
    left = next
  }
  progress.end()
  return reportMoving(context, await countMoving(deps, organizationId))
}

/** The exit status: 1, and a message, if organizations were skipped. */
function reportMoving(context: CommandContext, moving: number): number {
  if (moving === 0) return 0
  context.complain(leftOut(moving))
  return 1
}

/** Lease keys are known outside Mooring, so a rotation waits for the holders of leases. */
const ANNOUNCED: Partial<Record<KeyKind, string>> = {
  lease:
    'Announced, and leases are signed with it beside the others. Send SIGHUP to every worker process, give the keys that ' +
    '`lease-key show` prints to every program that takes leases (verifyKeys), then run this again.',
}
const IN_USE: Partial<Record<KeyKind, string>> = {
  lease: 'In use. Later: keyring retire, after which programs that know only the older keys refuse every lease.',
}

/**
 * Rotates keys in the keyrings: the first run announces a key, the second puts it into use. Returns the exit status.
 */
export async function rotateKeyrings(context: CommandContext, kind: KeyKind): Promise<number> {
  const dir = folderOf(context)
  const keyrings = await readKeyrings(dir)
  const deps = await operatorDeps(context)
  if (isAnnounced(keyrings, kind)) {
    await replaceKeyrings(dir, use(keyrings, kind, context.now))
    const status = await follow(context, { ...deps, keyring: await readWorkerKeyring(`${dir}/worker.json`) }, kind)
    context.complain(IN_USE[kind] ?? 'In use. Send SIGHUP to every web and worker process. Later: keyring retire.')
    return status
  }
  // A run that was killed after the new key came into use left work behind: finish that first.
  if ((await countUnmoved(deps, kind)) > 0) return follow(context, deps, kind)
  await replaceKeyrings(dir, await announce(keyrings, kind, newKeyId))
  context.complain(
    ANNOUNCED[kind] ?? 'Announced. Send SIGHUP to every web and worker process, then run this again to use it.',
  )
  return 0
}

async function follow(context: CommandContext, deps: OperatorDeps, kind: KeyKind): Promise<number> {
  const work = kind === 'master' ? rewrapAll : kind === 'signing' ? resignAll : null
  if (work === null) return 0
  const total = await countUnmoved(deps, kind)
  const progress = startProgress(context.screen, { what: 'organization keys', total, now: () => performance.now() })
  const moving = await work(deps, left => progress.show(left))
  progress.end()
  return reportMoving(context, moving)
}

/** Drops unneeded keys from both keyrings, and prints which. Returns the exit status. */
export async function retireKeys(context: CommandContext, args: Arguments): Promise<number> {
  const dir = folderOf(context)
  let keyrings = await readKeyrings(dir)
  const uses = await usesOf(await context.openDb(), context.now)
  const dropped: string[] = []
  for (const kind of KEY_KINDS) {
    const since = inUseSince(keyrings, kind)
    if (since === null || context.now.getTime() - since.getTime() < KEPT_MS) continue
    // The programs that use a lease key are outside Mooring: the operator has confirmed that they know the new one.
    const needed = kind === 'lease' ? [] : uses[kind]
    const found = drop(keyrings, kind, id => needed.includes(id))
    keyrings = found.keyrings
    dropped.push(...found.dropped)
  }
  if (dropped.length > 0) await replaceKeyrings(dir, keyrings)
  printList(context, args, { items: dropped, line: id => id })
  context.complain(
    dropped.length === 0
      ? 'Every key is still needed, or was replaced less than 15 minutes ago.'
      : 'Dropped. Send SIGHUP to every web and worker process, and destroy the copies of the old keyrings.',
  )
  return 0
}
