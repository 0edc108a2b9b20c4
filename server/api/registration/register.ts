/**
 * Registers a datasource, and adds new credentials to registered ones. Secrets are sealed here, in the request that
 * contains them; only the worker can open what is stored. Nothing is dialled in this process.
 */

import { asCaller, eventOf, type KnownContext } from '#server/api/context.ts'
import { type AwaitedVerification, awaitVerification } from '#server/api/procedure/await-verification.ts'
import { awaiting, idempotentAs } from '#server/api/procedure/idempotent.ts'
import { requireOurKey } from '#server/api/registration/sealing.ts'
import { type DisplayedRow, rowToResponse, toResponse } from '#server/api/responses/datasource.ts'
import { newId } from '#server/domain/access/ids.ts'
import { requireScope } from '#server/domain/access/scope.ts'
import * as audit from '#server/store/access/audit.ts'
import * as changes from '#server/store/database/changes.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { findByIdentity } from '#server/store/datasources/natural-keys.ts'
import * as registration from '#server/store/datasources/registration.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { RegisterInput } from '#shared/datasources/registration.ts'
import { Fault } from '#shared/faults/fault.ts'
import { type ParsedRegistration, parseRegistration, withAdvice } from './parse-registration.ts'
import { stageCredential, stageLocked } from './stage-credential.ts'

/** Registers a datasource, or rotates it if this surface has a natural key and the datasource already exists. */
export async function register(ctx: KnownContext, input: RegisterInput): Promise<Datasource> {
  const drafted = parseRegistration(ctx, input)
  requireScope(ctx.principal, 'datasources.create', { mode: drafted.datasource.mode })
  const waitSeconds = input.waitSeconds ?? 0
  // The answer, if no row must be read for it.
  let known: Datasource | null = null
  let isWaitNoted = false
  const call = { ctx, path: 'datasources.register', input }
  const registered = async (within: KnownContext): Promise<AwaitedVerification> => {
    isWaitNoted = false // a transaction that failed may be tried again
    if ('keyId' in input) await requireOurKey(within, input)
    const entry = drafted.formerIdentity === null ? drafted : await withKnownIdentity(within, drafted)
    const again = met.meet(within, entry) ? await tryAgain(within, entry) : null
    if (again !== null) {
      known = again.answer
      // Its answer is kept apart.
      return { id: again.id, request: again.request }
    }
    const id = newId()
    known = await place(within, entry, { id, waitSeconds })
    isWaitNoted = known !== null
    return known === null ? registerAgain(within, entry) : { id, request: 1 }
  }
  const answer = async (within: KnownContext, placed: AwaitedVerification) =>
    withAdvice(
      known !== null && waitSeconds === 0
        ? known
        : await awaitVerification(within, { ...placed, waitSeconds, isNoted: isWaitNoted }),
      drafted,
    )
  const of = { answer, wakes: ['work', 'news'] as const }
  return waitSeconds > 0 ? awaiting(call, registered, of) : idempotentAs(call, registered, of)
}

/**
 * A registered datasource keeps its natural key: a string whose schema was not read at registration still names the same
 * datasource, unless another one has the schema that the string names.
 */
async function withKnownIdentity(
  { db, principal }: KnownContext,
  drafted: ParsedRegistration,
): Promise<ParsedRegistration> {
  const { formerIdentity: former, datasource } = drafted
  const org = principal.organizationId
  if (former === null || datasource.identity === null) return drafted
  if ((await findByIdentity(db, org, datasource.identity)) !== undefined) return drafted
  if ((await findByIdentity(db, org, former)) === undefined) return drafted
  return { ...drafted, datasource: { ...datasource, identity: former, schema: 'public' } }
}

/** Null if a datasource with this natural key already exists. */
async function place(
  ctx: KnownContext,
  drafted: ParsedRegistration,
  { id, waitSeconds }: { id: string; waitSeconds: number },
): Promise<Datasource | null> {
  const { deps, principal } = ctx
  const { organizationId } = principal
  const now = deps.clock()
  const context = { organizationId, datasourceId: id, version: 1 }
  const sealed = await deps.sealingKeys.sealCredential(ctx.db, context, drafted.secret)
  const made = await registration.register(ctx.db, organizationId, {
    datasource: { id, ...drafted.datasource },
    credential: { sealed, last4: drafted.last4 },
    taskId: newId(),
    awaitedUntil: waitSeconds > 0 ? new Date(now.getTime() + waitSeconds * 1000) : null,
    event: eventOf(ctx, { action: 'datasource.registered', objectKind: 'datasource', objectId: id }),
    now,
    maxDatasources: deps.quotas.datasources,
  })
  ctx.responseMetadata.created = made
  return made ? rowToResponse(displayedRow(id, drafted, now), 1) : null
}

/** The new row as a read would return it: the database generates none of its columns. */
function displayedRow(id: string, { datasource, last4 }: ParsedRegistration, now: Date): DisplayedRow {
  const { dbType: db_type, excludedSchemas, ...columns } = datasource
  return {
    ...columns,
    id,
    db_type,
    excluded_schemas: excludedSchemas === null ? null : [...excludedSchemas],
    last4,
    status: 'unverified',
    status_reason: null,
    fingerprint: null,
    checks: null,
    advisories: null,
    created_at: now,
    updated_at: null,
    next_check_at: now,
    verified_at: null,
    introspected_at: null,
    deleted_at: null,
  }
}

/** The maximum number of remembered natural keys; the oldest is forgotten. */
const MAX_MET = 4_096

/**
 * Natural keys, each with its organization, that were registered in this process. The datasource of one is looked up
 * before a box is sealed for a new one. Only a hint: if it is wrong either way, the other order follows.
 */
class MetKeys {
  readonly #met = new Set<string>()

  /** True if the natural key was met before; from now on it was. */
  meet({ principal }: KnownContext, { datasource }: ParsedRegistration): boolean {
    if (datasource.identity === null) return false
    const key = `${principal.organizationId} ${datasource.identity}`
    const isMet = this.#met.delete(key)
    const [oldest] = this.#met
    if (oldest !== undefined && this.#met.size >= MAX_MET) this.#met.delete(oldest)
    this.#met.add(key)
    return isMet
  }
}

const met = new MetKeys()

interface Again extends AwaitedVerification {
  /** Null if the datasource shows something else now. */
  readonly answer: Datasource | null
}

/**
 * As `registerAgain`, in one statement. Null, writing nothing, if no datasource has the natural key any more or another
 * request is changing it, and for labels.
 */
async function tryAgain(ctx: KnownContext, drafted: ParsedRegistration): Promise<Again | null> {
  const { identity } = drafted.datasource
  if (identity === null || drafted.metadata !== undefined) return null
  const held = await findByIdentity(ctx.db, ctx.principal.organizationId, identity)
  if (held === undefined) return null
  requireRotation(ctx, held)
  const request = await stageCredential(ctx, { held, drafted, identity, action: 'datasource.reregistered' })
  if (request === null) return null
  ctx.responseMetadata.created = false
  // A pending connection string is not shown, a pending signing key is.
  return { id: held.id, request, answer: held.kind === 'direct' && held.version !== null ? toResponse(held) : null }
}

/**
 * The datasource exists: the submitted credential becomes its pending one, whether it equals the current one or not,
 * which the worker finds out. Changes of one datasource are serialised on its row, so of several concurrent ones the
 * last wins.
 */
async function registerAgain(ctx: KnownContext, drafted: ParsedRegistration): Promise<AwaitedVerification> {
  const { identity } = drafted.datasource
  if (identity === null) throw new Error('only a natural key can be taken')
  return asCaller(ctx, async unit => {
    const found = await findByIdentity(unit.tx, unit.org, identity)
    const held = found === undefined ? undefined : await lockDatasource(unit, found)
    // It was removed or renamed between the statements: the caller may simply retry.
    if (held?.identity !== identity) throw new Fault('conflict')
    requireRotation(ctx, held)
    const request = await stageLocked(ctx, unit, { held, drafted, action: 'datasource.reregistered' })
    if (drafted.metadata !== undefined) await relabel(unit, { id: held.id, metadata: drafted.metadata })
    return { id: held.id, request }
  })
}

/**
 * Registering again under an existing natural key is a rotation. Authorized before anything else: a caller who may only
 * create learns that the key is taken, and nothing about the credential behind it.
 */
function requireRotation(
  { principal }: KnownContext,
  { id, mode }: { readonly id: string; readonly mode: Mode },
): void {
  requireScope(principal, 'datasources.update', { datasourceId: id, mode })
}

/** New labels replace the existing ones, whatever becomes of the credential submitted with them. */
async function relabel(
  unit: UnitOfWork,
  { id, metadata }: { id: string; metadata: Readonly<Record<string, string>> },
): Promise<void> {
  if (!(await datasources.replaceMetadata(unit, { id, metadata }))) return
  await audit.append(unit, { action: 'datasource.updated', objectKind: 'datasource', objectId: id })
  changes.append(unit, { datasourceId: id, change: 'updated' })
}
