/**
 * Adds a new credential to a registered datasource: sealed for the next version, `pending` until the worker has settled
 * it. Nothing is compared here, or an answer and its timing would reveal whether a guess is right.
 */

import type { KnownContext } from '#server/api/context.ts'
import { compareTask } from '#server/api/procedure/await-verification.ts'
import type { BroughtSecret } from '#server/domain/access/sealed.ts'
import * as audit from '#server/store/access/audit.ts'
import * as credentials from '#server/store/credentials/credentials.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import type { LockedDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import * as comparisons from '#server/store/tasks/comparisons.ts'

/** A secret about to be sealed, and its displayable part. */
export interface UnsealedSecret {
  readonly secret: BroughtSecret
  readonly last4: string | null
}

/** Seals a secret to the organization's key for one version of one datasource. */
export async function sealCredential(
  ctx: KnownContext,
  at: { datasourceId: string; version: number },
  { secret, last4 }: UnsealedSecret,
): Promise<credentials.NewCredential> {
  const { sealer, sealingKeys } = ctx.deps
  const organizationId = ctx.principal.organizationId
  const key = await sealingKeys.of(ctx.db, organizationId)
  return { sealed: sealer.sealCredential(key, { organizationId, ...at }, secret), last4 }
}

/** A credential for a locked datasource, and the action for the audit record. */
export interface Staged {
  /** Columns that change with it. */
  readonly set?: { readonly name?: string; readonly excluded_schemas?: string[] }
  readonly held: LockedDatasource
  readonly drafted: UnsealedSecret
  readonly action: 'datasource.reregistered' | 'datasource.rotation_requested'
}

/**
 * Stores it in the place of any other pending one, and has the worker compare it with the current one. Returns the
 * number of the check after which it is settled. The worker records when it comes into force.
 */
export async function stageCredential(
  ctx: KnownContext,
  unit: UnitOfWork,
  { held, drafted, action, set = {} }: Staged,
): Promise<number> {
  const { now } = unit
  const version = held.credential_version + 1
  const asked = { ...drafted, secret: askedBy(ctx, drafted.secret) }
  const credential = await sealCredential({ ...ctx, db: unit.tx }, { datasourceId: held.id, version }, asked)
  // Before the credential: its task is locked first everywhere.
  const request = await comparisons.submit(unit, compareTask(held.id))
  await credentials.replacePending(unit, { datasourceId: held.id, version, credential })
  await datasources.update(unit, { id: held.id, set: { ...set, credential_version: version }, changedAt: now })
  await audit.append(unit, { action, objectKind: 'datasource', objectId: held.id })
  return request
}

/** The secret with its requester's name: only this tier can have put it into the signed box. */
function askedBy({ principal, requestId, address }: KnownContext, secret: BroughtSecret): BroughtSecret {
  return { ...secret, requestedBy: { kind: principal.kind, id: principal.id, requestId, address } }
}
