/**
 * Adds a new credential to a registered datasource: sealed for the next version, `pending` until the worker has settled
 * it. Nothing is compared here, or an answer and its timing would reveal whether a guess is right.
 */

import { eventOf, type KnownContext } from '#server/api/context.ts'
import { newId } from '#server/domain/access/ids.ts'
import type { BroughtSecret } from '#server/domain/access/sealed.ts'
import * as staging from '#server/store/datasources/staged-credential.ts'
import type { LockedDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** A secret about to be sealed, and its displayable part. */
export interface UnsealedSecret {
  readonly secret: BroughtSecret
  readonly last4: string | null
}

/** A credential for a datasource, and the action for the audit record. */
export interface Staged {
  /** Columns that change with it. */
  readonly set?: staging.StagedCredential['set']
  /** The datasource, with the version of its last credential. */
  readonly held: Pick<LockedDatasource, 'id' | 'credential_version'>
  readonly drafted: UnsealedSecret
  /** The natural key that the datasource must still have; absent if the caller has locked the datasource. */
  readonly identity?: string
  readonly action: 'datasource.reregistered' | 'datasource.rotation_requested'
}

/**
 * Stores it in the place of any other pending one, and has the worker compare it with the current one. Returns the
 * number of the check after which it is settled; null, writing nothing, if the datasource was changed meanwhile or is
 * being changed. The worker records when it comes into force.
 */
export async function stageCredential(
  ctx: KnownContext,
  { held, drafted, action, identity, set = {} }: Staged,
): Promise<number | null> {
  const version = held.credential_version + 1
  const { organizationId } = ctx.principal
  const context = { organizationId, datasourceId: held.id, version }
  const sealed = await ctx.deps.sealingKeys.sealCredential(ctx.db, context, askedBy(ctx, drafted.secret))
  return staging.stage(ctx.db, organizationId, {
    ...{
      datasourceId: held.id,
      identity: identity ?? null,
      version,
      set,
      compareId: newId(),
      checkId: newId(),
      now: ctx.deps.clock(),
    },
    credential: { sealed, last4: drafted.last4 },
    event: eventOf(ctx, { action, objectKind: 'datasource', objectId: held.id }),
  })
}

/** As `stageCredential`, for a datasource that the transaction has locked. */
export async function stageLocked(ctx: KnownContext, unit: UnitOfWork, staged: Staged): Promise<number> {
  const request = await stageCredential({ ...ctx, db: unit.tx }, staged)
  if (request === null) throw new Error('a locked datasource was changed')
  return request
}

/** The secret with its requester's name: only this tier can have put it into the signed box. */
function askedBy({ principal, requestId, address }: KnownContext, secret: BroughtSecret): BroughtSecret {
  return { ...secret, requestedBy: { kind: principal.kind, id: principal.id, requestId, address } }
}
