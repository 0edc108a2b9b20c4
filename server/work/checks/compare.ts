/**
 * Settles a pending credential that equals the current one: destroys it, without a dial if a dial would tell nothing
 * new. A different credential goes on to the check. Only the worker compares, since only it can open both.
 */

import { openingOr } from '#server/seal/held-key.ts'
import * as credentials from '#server/store/credentials/credentials.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as verdicts from '#server/store/datasources/verdicts.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { assertHeld } from '#server/store/tasks/claim-hold.ts'
import * as claims from '#server/store/tasks/claims.ts'
import * as comparisons from '#server/store/tasks/comparisons.ts'
import { endpointCanonical, endpointKeys, endpointLogin } from '#server/work/credentials/endpoint-keys.ts'
import { countUnequal, keptFromComparing, type OwnLogin } from '#server/work/credentials/login-budgets.ts'
import { openCredential, openInForce } from '#server/work/credentials/open.ts'
import { resolveTarget } from '#server/work/credentials/resolve-target.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import type { FaultCode } from '#shared/faults/fault.ts'

/**
 * Verdicts by which the server refused the credential itself: the same credential would be refused, and counted, again.
 */
const REFUSED: ReadonlySet<FaultCode> = new Set<FaultCode>(['authentication_failed', 'signature_refused'])

/** Performs a `compare` task. */
export async function handleCompare(deps: WorkerDeps, claim: claims.ClaimOf<'compare'>): Promise<void> {
  const row = await sealed.datasource(deps.db, claim.organizationId, claim.datasourceId)
  const isEqual = row !== undefined && (await isNoOther(deps, row))
  const isKnown = row !== undefined && isEqual && (await isJudged(deps, row))
  await asWorker(deps, claim.organizationId, unit => settle(unit, claim, { row, isEqual, isKnown }))
  deps.notifications.ring('news', claim.organizationId)
  if (!isKnown) deps.notifications.ring('work')
}

interface Compared {
  readonly row: sealed.SealedDatasource | undefined
  readonly isEqual: boolean
  /** True if checking the current credential would tell nothing new. */
  readonly isKnown: boolean
}

/** Takes locks in the global order: datasource, its tasks, its credentials. */
async function settle(unit: UnitOfWork, claim: claims.Claim, { row, isEqual, isKnown }: Compared): Promise<void> {
  const held = row === undefined ? undefined : await lockDatasource(unit, { id: row.id })
  if (!(await assertHeld(unit.tx, claim))) return
  if (row !== undefined && held !== undefined && (await isStill(unit, row))) {
    await (isKnown ? comparisons.settleEqual(unit, row.id) : comparisons.settleUnequal(unit, row.id))
    if (isEqual) await credentials.destroy(unit, { datasourceId: row.id, state: 'pending' })
  }
  // The transaction has held the task's row from its beginning.
  await claims.settle(unit.tx, claim, { dueAt: null, now: unit.now, failed: false })
}

/**
 * The datasource without its pending credential if that equals the current one: the pending one is destroyed, and the
 * current one is checked instead. For a check that precedes the comparison, or was requested by an earlier release.
 */
export async function withoutEqual(deps: WorkerDeps, row: sealed.SealedDatasource): Promise<sealed.SealedDatasource> {
  if (!(await isNoOther(deps, row))) return row
  const isDestroyed = await asWorker(deps, row.org_id, async unit => {
    if ((await lockDatasource(unit, { id: row.id })) === undefined || !(await isStill(unit, row))) return false
    await credentials.destroy(unit, { datasourceId: row.id, state: 'pending' })
    return true
  })
  return isDestroyed ? { ...row, pending: null } : row
}

/** True if both are still the credentials that were compared. */
async function isStill(unit: UnitOfWork, { id, current, pending }: sealed.SealedDatasource): Promise<boolean> {
  const live = await credentials.live(unit.tx, unit.org, id)
  return [current, pending].every(
    one => one === null || live.some(({ version, state }) => version === one.context.version && state === one.state),
  )
}

async function isJudged(deps: WorkerDeps, row: sealed.SealedDatasource): Promise<boolean> {
  if (row.status === 'active') return row.refusals === 0
  if (row.current === null) return false
  const last = await verdicts.last(deps.db, row.org_id, row.current.context)
  return last !== null && last.reason !== null && REFUSED.has(last.reason)
}

/**
 * True if the pending credential equals the current one. If the current one can no longer be opened, the pending one is
 * a replacement and counts as different.
 *
 * Compared only within the budgets of refused logins for its address, and a different credential counts as one until it
 * is dialled: otherwise guesses would be free here. Once the budgets are exhausted, an equal credential waits like any
 * other, and its caller learns nothing.
 */
async function isNoOther(deps: WorkerDeps, row: sealed.SealedDatasource): Promise<boolean> {
  const { current, pending } = row
  if (current === null || pending === null) return false
  const texts = row.kind === 'endpoint' ? endpointTexts(deps, row) : await directTexts(deps, row, { current, pending })
  if (texts === null) return false
  if ((await keptFromComparing(deps, texts.login)) !== null) return false
  if (texts.pending !== null && deps.fingerprinter.isSame(texts.current, texts.pending)) return true
  await countUnequal(deps, texts.login, pending.context)
  return false
}

interface Texts {
  /** The login that the pending credential would use. */
  readonly login: OwnLogin
  readonly current: string
  /** Null if the pending credential was refused because it differs. */
  readonly pending: string | null
}

async function directTexts(
  deps: WorkerDeps,
  row: sealed.SealedDatasource,
  pair: { current: sealed.SealedCredential; pending: sealed.SealedCredential },
): Promise<Texts | null> {
  const organizationId = row.org_id
  const compared = async (): Promise<Texts | null> => {
    const inForce = openInForce(deps, row, pair.current)
    const current = await resolveTarget(deps, { organizationId, secret: inForce, inForce: null })
    const secret = openCredential(deps, pair.pending)
    const pending = await resolveTarget(deps, { organizationId, secret, inForce: pair.current })
    const target = pending.ok ? pending.target : pending.compared
    if (!current.ok || target === null) return null
    const text = pending.ok ? pending.canonical : null
    return { login: { organizationId, target }, current: current.canonical, pending: text }
  }
  // The check reports the unreadable credential.
  return openingOr(compared, () => null)
}

function endpointTexts(deps: WorkerDeps, row: sealed.SealedDatasource): Texts | null {
  const keys = endpointKeys(deps, row)
  if (keys === null || keys.current === null || keys.pending === null || !('key' in keys.pending)) return null
  const { url, current, pending } = keys
  return {
    login: endpointLogin(row.org_id, url),
    current: endpointCanonical(url, current.key),
    pending: endpointCanonical(url, pending.key),
  }
}
