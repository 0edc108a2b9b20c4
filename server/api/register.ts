/**
 * Registers a datasource, and puts new credentials under registered ones. Sealed here, in the request that brought it;
 * what is stored can be opened by the worker alone. Nothing is dialled in this process.
 */
import type { Datasource, RegisterInput } from '#shared/datasource.ts'
import { Fault } from '#shared/fault.ts'
import { newId } from '../domain/ids.ts'
import { refusal } from '../domain/scope.ts'
import type { Secret } from '../domain/sealed.ts'
import * as audit from '../store/audit.ts'
import * as credentials from '../store/credentials.ts'
import * as datasources from '../store/datasources.ts'
import { type Tx, transaction } from '../store/db.ts'
import * as registration from '../store/registration.ts'
import * as tasks from '../store/tasks.ts'
import { eventOf, type KnownContext } from './context.ts'
import { type Draft, draft } from './draft.ts'
import { present } from './present.ts'
import { awaited } from './wait.ts'

/** Registers, or rotates where this voice has a natural key and the datasource is there already. */
export async function register(ctx: KnownContext, input: RegisterInput): Promise<Datasource> {
  const drafted = draft(ctx, input)
  const denied = refusal(ctx.principal, 'datasources.create', { mode: drafted.datasource.mode })
  if (denied !== null) throw new Fault(denied)
  const id = newId()
  const { parts, principal } = ctx
  const made = await registration.register(parts.db, principal.organizationId, {
    datasource: { id, ...drafted.datasource },
    credential: await sealCredential(ctx, { datasourceId: id, version: 1 }, drafted),
    taskId: newId(),
    event: eventOf(ctx, { action: 'datasource.registered', objectKind: 'datasource', objectId: id }),
    now: parts.clock(),
  })
  ctx.remarks.created = made
  const placed = made ? { id, request: 1 } : await registerAgain(ctx, drafted)
  parts.signals.ring('work')
  return answer(ctx, { ...placed, waitSeconds: input.waitSeconds ?? 0 })
}

/** Seals a secret to the organization's key for one version of one datasource. */
export async function sealCredential(
  ctx: KnownContext,
  at: { datasourceId: string; version: number },
  entry: { secret: Secret; canonical: string | null; last4: string | null },
): Promise<credentials.NewCredential> {
  const { sealer, sealingKeys } = ctx.parts
  const organizationId = ctx.principal.organizationId
  const key = await sealingKeys.of(organizationId)
  return {
    sealed: sealer.sealCredential(key, { organizationId, ...at }, entry.secret),
    fingerprint: entry.canonical === null ? null : sealer.fingerprint(organizationId, entry.canonical),
    last4: entry.last4,
  }
}

/**
 * The datasource is there: the same credential changes nothing, another becomes the pending one. Changes of one
 * datasource take turns on its row, so of several at once the last wins.
 */
async function registerAgain(ctx: KnownContext, drafted: Draft): Promise<{ id: string; request: number }> {
  const { parts, principal } = ctx
  const org = principal.organizationId
  const identity = drafted.datasource.identity
  if (identity === null) throw new Error('only a natural key can be taken')
  return transaction(parts.db, async tx => {
    const held = await datasources.lock(tx, org, { identity })
    // It was removed between the two statements: the caller may simply ask again.
    if (held === undefined) throw new Fault('conflict')
    const fingerprint = drafted.canonical === null ? null : parts.sealer.fingerprint(org, drafted.canonical)
    const live = await credentials.live(tx, org, held.id)
    const unchanged = fingerprint !== null && live.some(credential => credential.fingerprint === fingerprint)
    if (!unchanged) return { id: held.id, request: await placePending(ctx, tx, { held, drafted }) }
    if (held.status === 'active') return { id: held.id, request: 0 }
    return { id: held.id, request: await tasks.request(tx, org, verifyTask(ctx, held.id)) }
  })
}

/** Puts a credential under a locked datasource as the pending one, and makes its check due. Returns the request's number. */
export async function placePending(
  ctx: KnownContext,
  tx: Tx,
  entry: {
    held: datasources.LockedDatasource
    drafted: { secret: Secret; canonical: string | null; last4: string | null }
  },
): Promise<number> {
  const org = ctx.principal.organizationId
  const { held, drafted } = entry
  const version = held.credential_version + 1
  const credential = await sealCredential(ctx, { datasourceId: held.id, version }, drafted)
  await credentials.replacePending(tx, org, { datasourceId: held.id, version, credential, now: ctx.parts.clock() })
  await datasources.update(tx, org, { id: held.id, set: { credential_version: version } })
  await audit.append(
    tx,
    org,
    eventOf(ctx, { action: 'datasource.rotated', objectKind: 'datasource', objectId: held.id }),
  )
  return tasks.request(tx, org, verifyTask(ctx, held.id))
}

/** The standing task that verifies a datasource, due now. */
export function verifyTask(ctx: KnownContext, datasourceId: string) {
  return { id: newId(), kind: 'verify' as const, datasourceId, now: ctx.parts.clock() }
}

/** Answers the datasource, after its check if the caller wants to wait for that and the check ends in time. */
export async function answer(
  ctx: KnownContext,
  of: { id: string; request: number; waitSeconds: number },
): Promise<Datasource> {
  const { parts, principal } = ctx
  const org = principal.organizationId
  if (of.waitSeconds > 0) {
    await awaited(parts, of.waitSeconds * 1000, async () => {
      const settled = await tasks.settledRequest(parts.db, org, { datasourceId: of.id, kind: 'verify' })
      return settled >= of.request ? true : undefined
    })
  }
  const row = await datasources.find(parts.db, org, { id: of.id })
  if (row === undefined) throw new Fault('entity_not_found')
  return present(row)
}
