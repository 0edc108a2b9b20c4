/**
 * Puts a new credential under a registered datasource: sealed for the next version, `pending` until the worker has
 * verified it. One that fails never replaces one that works.
 */
import type { Secret } from '#server/domain/sealed.ts'
import * as audit from '#server/store/audit.ts'
import * as changes from '#server/store/changes.ts'
import * as credentials from '#server/store/credentials.ts'
import * as datasources from '#server/store/datasources.ts'
import type { Tx } from '#server/store/db.ts'
import * as tasks from '#server/store/tasks.ts'
import { eventOf, type KnownContext, within } from './context.ts'
import { verifyTask } from './verdict.ts'

/** A secret on its way into a box: the text that its fingerprint is made of, and what of it may be shown. */
export interface DraftedSecret {
  readonly secret: Secret
  /** Null when only the worker can know it. */
  readonly canonical: string | null
  readonly last4: string | null
}

/** Seals a secret to the organization's key for one version of one datasource. */
export async function sealCredential(
  ctx: KnownContext,
  at: { datasourceId: string; version: number },
  drafted: DraftedSecret,
): Promise<credentials.NewCredential> {
  const { db, sealer, sealingKeys } = ctx.parts
  const organizationId = ctx.principal.organizationId
  const key = await sealingKeys.of(db, organizationId)
  return {
    sealed: sealer.sealCredential(key, { organizationId, ...at }, drafted.secret),
    fingerprint: drafted.canonical === null ? null : sealer.fingerprint(organizationId, drafted.canonical),
    last4: drafted.last4,
  }
}

/** Puts it under a locked datasource, and makes the check due. Returns the number of that request. */
export async function placePending(
  ctx: KnownContext,
  tx: Tx,
  entry: { held: datasources.LockedDatasource; drafted: DraftedSecret },
): Promise<number> {
  const org = ctx.principal.organizationId
  const { held, drafted } = entry
  const now = ctx.parts.clock()
  const version = held.credential_version + 1
  const credential = await sealCredential(within(ctx, tx), { datasourceId: held.id, version }, drafted)
  await credentials.replacePending(tx, org, { datasourceId: held.id, version, credential, now })
  await datasources.update(tx, org, { id: held.id, set: { credential_version: version } })
  const about = { action: 'datasource.rotated', objectKind: 'datasource', objectId: held.id }
  await audit.append(tx, org, eventOf(ctx, about))
  await changes.append(tx, org, { datasourceId: held.id, change: 'rotated', at: now })
  return tasks.request(tx, org, verifyTask(ctx, held.id))
}

/** Destroys the pending credential of a locked datasource: the one in force was asked for after it. */
export async function takeBackPending(ctx: KnownContext, tx: Tx, datasourceId: string): Promise<void> {
  const org = ctx.principal.organizationId
  await credentials.destroy(tx, org, { datasourceId, state: 'pending' })
  const about = { action: 'datasource.rotated', objectKind: 'datasource', objectId: datasourceId }
  await audit.append(tx, org, eventOf(ctx, about))
  await changes.append(tx, org, { datasourceId, change: 'rotated', at: ctx.parts.clock() })
}

/** Records that a caller brought the credential that is there already: nothing else is written of it. */
export async function recordUnchanged(ctx: KnownContext, tx: Tx, datasourceId: string): Promise<void> {
  const about = { action: 'datasource.unchanged', objectKind: 'datasource', objectId: datasourceId }
  await audit.append(tx, ctx.principal.organizationId, eventOf(ctx, about))
}
