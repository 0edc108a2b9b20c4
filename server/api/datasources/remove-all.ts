/**
 * Removes every datasource of the caller's mode, of both kinds, a bounded number per transaction: datasources removed
 * before a failure stay removed, and the call may be repeated.
 */

import { asCaller, type KnownContext } from '#server/api/context.ts'
import * as audit from '#server/store/access/audit.ts'
import * as changes from '#server/store/database/changes.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { someOf } from '#server/store/datasources/datasources-of-mode.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { RemovedAll } from '#shared/datasources/datasource-change.ts'
import { Fault } from '#shared/faults/fault.ts'

const AT_ONCE = 50

/**
 * Removes them and returns how many of each kind. Throws `capability_scope_denied` for a capability for named
 * datasources.
 */
export async function removeAll(ctx: KnownContext): Promise<RemovedAll> {
  // It may remove the datasources that it names one by one, but it may not remove "all".
  if (ctx.principal.datasourceIds !== null) throw new Fault('capability_scope_denied')
  const cleared = { direct: 0, endpoints: 0 }
  // A datasource that is registered meanwhile stays: otherwise the call might never end.
  const until = ctx.deps.clock()
  for (;;) {
    const { found, removed } = await removeSome(ctx, until)
    cleared.direct += removed.filter(kind => kind === 'direct').length
    cleared.endpoints += removed.filter(kind => kind === 'endpoint').length
    if (found < AT_ONCE) break
  }
  ctx.deps.notifications.ring('news', ctx.principal.organizationId)
  return cleared
}

async function removeSome(ctx: KnownContext, until: Date) {
  const { mode } = ctx.principal
  return asCaller(ctx, async unit => {
    const found = await someOf(unit.tx, unit.org, { mode, limit: AT_ONCE, until })
    // Locks all of them before anything else: a concurrent removal holds one of them while it waits for the quota.
    const held: typeof found = []
    for (const row of found) {
      // Another call may have removed it in the meantime.
      if ((await lockDatasource(unit, { id: row.id })) !== undefined) held.push(row)
    }
    const removed: ('direct' | 'endpoint')[] = []
    for (const row of held) {
      await datasources.remove(unit, row.id)
      await audit.append(unit, { action: 'datasource.removed', objectKind: 'datasource', objectId: row.id })
      changes.append(unit, { datasourceId: row.id, change: 'removed' })
      removed.push(row.kind)
    }
    return { found: found.length, removed }
  })
}
