/**
 * Verifies a datasource: opens its credential, dials, judges what was found, and writes verdict and next check in the
 * transaction that settles the task. The pending credential is tried before the one in force; a pending one that is
 * refused is destroyed and changes nothing else.
 */
import { backoffMs, jittered, UNREACHABLE } from '#server/domain/backoff.ts'
import { directIdentity } from '#server/domain/identity.ts'
import { newId } from '#server/domain/ids.ts'
import { nextStatus } from '#server/domain/verification.ts'
import { SealBroken } from '#server/seal/held-key.ts'
import * as changes from '#server/store/changes.ts'
import * as claims from '#server/store/claims.ts'
import * as credentials from '#server/store/credentials.ts'
import * as datasources from '#server/store/datasources.ts'
import { type Tx, transaction } from '#server/store/db.ts'
import * as organizations from '#server/store/organizations.ts'
import * as sealed from '#server/store/sealed.ts'
import * as tasks from '#server/store/tasks.ts'
import * as verdicts from '#server/store/verdicts.ts'
import { type Examined, examine, refusedUndialled } from './examine.ts'
import { currentKey, openCredential, openInForce } from './open.ts'
import type { WorkerParts } from './parts.ts'
import { verifyEndpoint } from './verify-endpoint.ts'

/** The work of a `verify` task. */
export async function verify(parts: WorkerParts, claim: claims.Claim): Promise<void> {
  const org = claim.organizationId
  const id = claim.datasourceId
  if (id === null) throw new Error('a verify task names a datasource')
  const row = await datasources.find(parts.db, org, { id })
  const found = await sealed.credentials(parts.db, org, id)
  const inForce = found.find(credential => credential.state === 'current') ?? null
  const tried = found.find(credential => credential.state === 'pending') ?? inForce
  if (row === undefined || tried === null) return settleIdle(parts, claim)
  if (row.kind === 'endpoint') return verifyEndpoint(parts, claim, { row, tried: inForce ?? tried })
  const startedAt = performance.now()
  const settings = await organizations.settings(parts.db, org)
  const examined = await tryCredential(parts, { row, tried, settings, inForce: tried === inForce ? null : inForce })
  await settle(parts, claim, { row, tried, settings, ...examined, tookMs: Math.round(performance.now() - startedAt) })
}

/** Nothing to verify: it was removed meanwhile. */
async function settleIdle(parts: WorkerParts, claim: claims.Claim): Promise<void> {
  await transaction(parts.db, tx => claims.settle(tx, claim, { dueAt: null, now: parts.clock(), failed: false }))
  parts.signals.ring('news')
}

interface Tried {
  readonly row: datasources.DatasourceRow
  readonly settings: organizations.OrganizationSettings
  readonly tried: sealed.SealedCredential
}

interface Outcome extends Tried, Examined {
  readonly tookMs: number
  /** The credential sealed anew, when what was tried is not yet in the form in which it is kept. */
  readonly resealed: Parameters<typeof sealed.reseal>[2] | null
}

async function tryCredential(
  parts: WorkerParts,
  of: Tried & { inForce: sealed.SealedCredential | null },
): Promise<Examined & Pick<Outcome, 'resealed'>> {
  const { context } = of.tried
  const { organizationId } = context
  try {
    const isInForce = of.tried.state === 'current'
    const secret = await (isInForce ? openInForce(parts, of.row, of.tried) : openCredential(parts, of.tried))
    const { schema, db_type: dbType } = of.row
    const { rolePolicy } = of.settings
    const isTrusted = of.tried.state === 'current' && of.row.status === 'active'
    const about = {
      organizationId,
      secret,
      inForce: of.inForce,
      schema,
      dbType: dbType ?? 'postgresql',
      rolePolicy,
      isTrusted,
    }
    const examined = await examine(parts, about)
    const { resolved } = examined
    const isWhole = secret.kind === 'direct' && secret.keepCertificate !== true
    if (isWhole || resolved === null) return { ...examined, resealed: null }
    const { target, caCertificate, canonical } = resolved
    const key = await currentKey(parts, organizationId)
    // The leave to move stays with it: what could not be reached yet is compared with what is in force again.
    const leave = 'allowMove' in secret && secret.allowMove === true ? { allowMove: true } : {}
    const box = parts.sealer.sealCredential(key, context, { kind: 'direct', target, caCertificate, ...leave })
    const fingerprint = parts.sealer.fingerprint(organizationId, canonical)
    return { ...examined, resealed: { sealed: box, fingerprint } }
  } catch (thrown) {
    if (!(thrown instanceof SealBroken)) throw thrown
    parts.log.error({ ...context, keyId: of.tried.sealed.keyId }, 'a stored credential could not be opened')
    return { judgement: refusedUndialled('credential_unreadable'), resolved: null, resealed: null }
  }
}

async function settle(parts: WorkerParts, claim: claims.Claim, of: Outcome): Promise<void> {
  const { judgement, row, tried, tookMs } = of
  const org = claim.organizationId
  const now = parts.clock()
  const isRotation = tried.state === 'pending'
  const status = isRotation && judgement.outcome !== 'passed' ? row.status : nextStatus(row.status, judgement)
  const dueAt = nextDue(parts, claim, { outcome: judgement.outcome, status, settings: of.settings })
  await transaction(parts.db, async tx => {
    // The datasource first, then its task: everything that changes one locks in this order.
    const held = await datasources.lock(tx, org, { id: row.id })
    if (held === undefined) return
    if (!(await claims.settle(tx, claim, { dueAt, now, failed: judgement.outcome === 'unreachable' }))) return
    // Another credential came while this one was tried: that one is to be judged, and the task is due again.
    if (!(await isStill(tx, org, tried))) return
    if (of.resealed !== null) await sealed.reseal(tx, tried.context, of.resealed)
    if (isRotation && judgement.outcome === 'passed') await putInForce(tx, of, held)
    if (isRotation && judgement.outcome === 'refused') {
      await credentials.destroy(tx, org, { datasourceId: row.id, state: 'pending' })
    }
    const { outcome, reason, checks, advisories } = judgement
    const at = { datasourceId: row.id, version: tried.context.version, at: now, tookMs }
    const verdict = { id: newId(), ...at, outcome, reason, checks, advisories }
    await verdicts.record(tx, org, { verdict, status, nextCheckAt: dueAt })
    await changes.append(tx, org, { datasourceId: row.id, change: 'verified', at: now })
    // What is active is also introspected, from the next interval on; a caller may ask for it sooner.
    if (status === 'active' && dueAt !== null) {
      await tasks.schedule(tx, org, { id: newId(), kind: 'introspect', datasourceId: row.id, dueAt, now })
    }
  })
  const about = { organizationId: org, datasourceId: row.id, outcome: judgement.outcome, reason: judgement.reason }
  parts.log.info({ ...about, tookMs }, 'verified')
  parts.signals.ring('news')
}

/** The verified credential takes the place of the one before; if it is for another place, that is shown from now on. */
async function putInForce(tx: Tx, of: Outcome, held: datasources.LockedDatasource): Promise<void> {
  const { tried, resolved } = of
  const org = tried.context.organizationId
  await sealed.promote(tx, org, tried.context)
  if (resolved === null) return
  const { host, port, database, tlsMode } = resolved.target
  // As it is under the lock: the schema may have been changed while this was dialled.
  const { mode, schema } = held
  const identity = held.identity === null ? null : directIdentity({ mode, host, port, database, schema })
  // A natural key that another datasource has is not taken from it: this one goes on without.
  const taken =
    identity === null || identity === held.identity ? undefined : await datasources.lock(tx, org, { identity })
  const set = { host, port, database, tls_mode: tlsMode, identity: taken === undefined ? identity : null }
  await datasources.update(tx, org, { id: held.id, set })
}

async function isStill(tx: Tx, org: string, tried: sealed.SealedCredential): Promise<boolean> {
  const live = await credentials.live(tx, org, tried.context.datasourceId)
  return live.some(credential => credential.version === tried.context.version && credential.state === tried.state)
}

/** When to look again: what cannot be reached soon and then later, what is active after an interval, what is rejected never. */
function nextDue(
  parts: WorkerParts,
  claim: claims.Claim,
  of: { outcome: string; status: string; settings: organizations.OrganizationSettings },
): Date | null {
  const now = parts.clock().getTime()
  if (of.outcome === 'unreachable') return new Date(now + backoffMs(claim.attempts, UNREACHABLE, parts.random()))
  const seconds = of.settings.checkIntervalSeconds
  const intervalMs = seconds === null ? parts.checkIntervalMs : seconds * 1000
  if (of.status === 'active') return new Date(now + jittered(intervalMs, parts.random()))
  // A refused rotation leaves a first credential that has had no verdict yet.
  return of.status === 'unverified' ? new Date(now) : null
}
