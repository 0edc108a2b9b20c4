/**
 * Verifies a datasource: opens its credential, dials, judges what was found, and writes verdict and next check in the
 * transaction that settles the task. The pending credential is tried before the one in force; a pending one that is
 * refused is destroyed and changes nothing else.
 */
import type { FaultCode } from '#shared/fault.ts'
import { backoffMs, jittered, UNREACHABLE } from '../domain/backoff.ts'
import { newId } from '../domain/ids.ts'
import type { Secret } from '../domain/sealed.ts'
import { type Judgement, judge, nextStatus } from '../domain/verification.ts'
import { SealBroken } from '../seal/unsealer.ts'
import * as credentials from '../store/credentials.ts'
import * as datasources from '../store/datasources.ts'
import { type Tx, transaction } from '../store/db.ts'
import * as sealed from '../store/sealed.ts'
import * as tasks from '../store/tasks.ts'
import * as verdicts from '../store/verdicts.ts'
import { openCredential } from './open.ts'
import type { WorkerParts } from './parts.ts'

const DEADLINE_MS = 20_000

/** The work of a `verify` task. */
export async function verify(parts: WorkerParts, claim: tasks.Claim): Promise<void> {
  const org = claim.organizationId
  const id = claim.datasourceId
  if (id === null) throw new Error('a verify task names a datasource')
  const row = await datasources.find(parts.db, org, { id })
  const found = await sealed.credentials(parts.db, org, id)
  const tried =
    found.find(credential => credential.state === 'pending') ?? found.find(credential => credential.state === 'current')
  if (row === undefined || tried === undefined || row.kind === 'endpoint') return settleIdle(parts, claim)
  const startedAt = performance.now()
  const judgement = await examine(parts, {
    row,
    tried,
    current: found.find(credential => credential.state === 'current'),
  })
  await settle(parts, claim, { row, tried, judgement, tookMs: Math.round(performance.now() - startedAt) })
}

/** Nothing to verify: removed meanwhile, or a kind that has no check here. */
async function settleIdle(parts: WorkerParts, claim: tasks.Claim): Promise<void> {
  await transaction(parts.db, tx => tasks.settle(tx, claim, { dueAt: null, now: parts.clock(), failed: false }))
  parts.signals.ring('news')
}

interface Tried {
  readonly row: datasources.DatasourceRow
  readonly tried: sealed.SealedCredential
}

async function examine(
  parts: WorkerParts,
  of: Tried & { current: sealed.SealedCredential | undefined },
): Promise<Judgement> {
  let secret: Secret
  try {
    secret = await openCredential(parts, of.tried)
  } catch (cause) {
    if (!(cause instanceof SealBroken)) throw cause
    parts.log.error({ ...of.tried.context, keyId: of.tried.sealed.keyId }, 'a stored credential could not be opened')
    return refused('credential_unreadable')
  }
  if (secret.kind !== 'direct') return refused('credential_unreadable')
  const { target, caCertificate } = secret
  const schema = of.row.schema
  const probe = await parts.dialler.probe({ target, caCertificate, schema, deadlineMs: DEADLINE_MS })
  return judge(probe, { schema, rolePolicy: 'enforce', dbType: of.row.db_type ?? 'postgresql', target })
}

/** A verdict that was reached without dialling. */
function refused(reason: FaultCode): Judgement {
  return { checks: [], advisories: [], outcome: 'refused', reason, retryable: false }
}

async function settle(
  parts: WorkerParts,
  claim: tasks.Claim,
  of: Tried & { judgement: Judgement; tookMs: number },
): Promise<void> {
  const { judgement, row, tried, tookMs } = of
  const org = claim.organizationId
  const now = parts.clock()
  const isRotation = tried.state === 'pending'
  const status = isRotation && judgement.outcome !== 'passed' ? row.status : nextStatus(row.status, judgement)
  const dueAt = nextDue(parts, claim, { judgement, status })
  await transaction(parts.db, async tx => {
    // The datasource first, then its task: everything that changes one locks in this order.
    if ((await datasources.lock(tx, org, { id: row.id })) === undefined) return
    if (!(await tasks.settle(tx, claim, { dueAt, now, failed: judgement.outcome === 'unreachable' }))) return
    // Another credential came while this one was tried: that one is to be judged, and the task is due again.
    if (!(await isStill(tx, org, tried))) return
    if (isRotation && judgement.outcome === 'passed') await sealed.promote(tx, org, tried.context)
    if (isRotation && judgement.outcome === 'refused') {
      await credentials.destroy(tx, org, { datasourceId: row.id, state: 'pending' })
    }
    const { outcome, reason, checks, advisories } = judgement
    const at = { datasourceId: row.id, version: tried.context.version, at: now, tookMs }
    const verdict = { id: newId(), ...at, outcome, reason, checks, advisories }
    await verdicts.record(tx, org, { verdict, status, nextCheckAt: dueAt })
  })
  const about = { organizationId: org, datasourceId: row.id, outcome: judgement.outcome, reason: judgement.reason }
  parts.log.info({ ...about, tookMs }, 'verified')
  parts.signals.ring('news')
}

async function isStill(tx: Tx, org: string, tried: sealed.SealedCredential): Promise<boolean> {
  const live = await credentials.live(tx, org, tried.context.datasourceId)
  return live.some(credential => credential.version === tried.context.version && credential.state === tried.state)
}

/** When to look again: what cannot be reached soon and then later, what is active after an interval, what is rejected never. */
function nextDue(parts: WorkerParts, claim: tasks.Claim, of: { judgement: Judgement; status: string }): Date | null {
  const now = parts.clock().getTime()
  if (of.judgement.outcome === 'unreachable') {
    return new Date(now + backoffMs(claim.attempts, UNREACHABLE, parts.random()))
  }
  if (of.status === 'active') return new Date(now + jittered(parts.checkIntervalMs, parts.random()))
  // A refused rotation leaves a first credential that has had no verdict yet.
  return of.status === 'unverified' ? new Date(now) : null
}
