/**
 * Requests a new check of datasources that are marked as unreadable and can be opened: a worker of an earlier release
 * whose keyring lacked a key permanently recorded that as a finding about the customer's credential.
 */

import { newId } from '#server/domain/access/ids.ts'
import { isSealBroken, KeyLacking } from '#server/seal/held-key.ts'
import type { SealedDatasource } from '#server/store/credentials/sealed.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as unreadable from '#server/store/datasources/unreadable.ts'
import { asWriter, OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { endpointKeys } from '#server/work/credentials/endpoint-keys.ts'
import { openInForce } from '#server/work/credentials/open.ts'
import { isMoved } from '#server/work/credentials/standing.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'

const EVERY_MS = 3_600_000
const BATCH = 100

/** Examines all of them once, until `stopped` is aborted; returns the number of checks requested. */
export async function healUnreadable(deps: WorkerDeps, stopped: AbortSignal): Promise<number> {
  let healed = 0
  let after: unreadable.Place | null = null
  while (!stopped.aborted) {
    const batch: unreadable.Place[] = await unreadable.list(deps.db, { after, limit: BATCH })
    for (const place of batch) if (await heal(deps, place)) healed += 1
    after = batch.at(-1) ?? null
    if (after === null) break
  }
  if (healed > 0) {
    deps.log.info({ count: healed }, 'credentials that were marked as unreadable can be opened, and are checked again')
    deps.notifications.ring('work')
  }
  return healed
}

async function heal(deps: WorkerDeps, { organizationId, id: datasourceId }: unreadable.Place): Promise<boolean> {
  const row = await sealed.datasource(deps.db, organizationId, datasourceId)
  if (row === undefined || !canOpen(deps, row)) return false
  const task = { id: newId(), kind: 'verify', datasourceId } as const
  return asWriter({ organizationId, phase: 'begins' }, () =>
    asWorker(deps, organizationId, async unit => {
      await tasks.request(unit, task)
      return true
    }),
  ).catch((thrown: unknown) => {
    if (thrown instanceof OrganizationMoving) return false
    throw thrown
  })
}

function canOpen(deps: WorkerDeps, row: SealedDatasource): boolean {
  if (row.current === null || isMoved(deps, row)) return false
  try {
    if (row.kind === 'endpoint') return (endpointKeys(deps, row)?.current ?? null) !== null
    openInForce(deps, row, row.current)
    return true
  } catch (thrown) {
    if (!isSealBroken(thrown) && !(thrown instanceof KeyLacking)) throw thrown
    return false
  }
}

/** Runs now and every hour. The returned functions run it at once, and stop it. */
export function startHealing(deps: WorkerDeps): { now(): void; stop(): Promise<void> } {
  const stopped = new AbortController()
  let running: Promise<unknown> | null = null
  const now = () => {
    running ??= healUnreadable(deps, stopped.signal)
      .catch((cause: unknown) =>
        deps.log.error({ stage: 'heal', cause }, 'unreadable credentials could not be looked at again'),
      )
      .finally(() => {
        running = null
      })
  }
  now()
  const timer = setInterval(now, EVERY_MS)
  return {
    now,
    async stop() {
      stopped.abort()
      clearInterval(timer)
      await running
    },
  }
}
