/**
 * Registers a datasource, and puts new credentials under registered ones. Sealed here, in the request that brought it;
 * what is stored can be opened by the worker alone. Nothing is dialled in this process.
 */

import { eventOf, type KnownContext } from '#server/api/context.ts'
import { once } from '#server/api/procedure/once.ts'
import { type Checked, checked } from '#server/api/procedure/verdict.ts'
import { requireOurKey } from '#server/api/registration/sealing.ts'
import { newId } from '#server/domain/access/ids.ts'
import { refusal } from '#server/domain/access/scope.ts'
import { transaction } from '#server/store/database/db.ts'
import * as registration from '#server/store/datasources/registration.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { RegisterInput } from '#shared/datasources/registration.ts'
import { Fault } from '#shared/faults/fault.ts'
import { type Draft, draft } from './draft.ts'
import { placePending, sealCredential } from './pending.ts'

/** Registers, or rotates where this voice has a natural key and the datasource is there already. */
export async function register(ctx: KnownContext, input: RegisterInput): Promise<Datasource> {
  const drafted = draft(ctx, input)
  const denied = refusal(ctx.principal, 'datasources.create', { mode: drafted.datasource.mode })
  if (denied !== null) throw new Fault(denied)
  const waitSeconds = input.waitSeconds ?? 0
  return once(ctx, {
    path: 'datasources.register',
    input,
    effect: async within => {
      await requireOurKey(within, input)
      return place(within, drafted)
    },
    answer: (within, placed) => checked(within, { ...placed, waitSeconds }),
    waits: waitSeconds > 0,
    rings: ['work', 'news'],
  })
}

async function place(ctx: KnownContext, drafted: Draft): Promise<Checked> {
  const id = newId()
  const { parts, principal } = ctx
  const made = await registration.register(parts.db, principal.organizationId, {
    datasource: { id, ...drafted.datasource },
    credential: await sealCredential(ctx, { datasourceId: id, version: 1 }, drafted),
    taskId: newId(),
    event: eventOf(ctx, { action: 'datasource.registered', objectKind: 'datasource', objectId: id }),
    now: parts.clock(),
    maxDatasources: parts.quotas.datasources,
  })
  ctx.remarks.created = made
  return made ? { id, request: 1 } : registerAgain(ctx, drafted)
}

/**
 * The datasource is there: what was brought is its pending credential, whether it is the one in force or another, which the
 * worker finds out. Changes of one datasource take turns on its row, so of several at once the last wins.
 */
async function registerAgain(ctx: KnownContext, drafted: Draft): Promise<Checked> {
  const { parts, principal } = ctx
  const org = principal.organizationId
  const identity = drafted.datasource.identity
  if (identity === null) throw new Error('only a natural key can be taken')
  return transaction(parts.db, async tx => {
    const held = await lockDatasource(tx, org, { identity })
    // It was removed between the two statements: the caller may simply ask again.
    if (held === undefined) throw new Fault('conflict')
    // Registering anew under a name that is taken is a rotation. Judged before anything else is done: a caller who may only
    // create learns that the name is taken, and nothing of the credential behind it.
    const denied = refusal(principal, 'datasources.update', { datasourceId: held.id, mode: held.mode })
    if (denied !== null) throw new Fault(denied)
    const staged = { held, drafted, action: 'datasource.reregistered' } as const
    return { id: held.id, request: await placePending(ctx, tx, staged) }
  })
}
