/**
 * A dial within its budgets: takes from them before, charges them after a refused login. A credential that is in force and
 * has worked is dialled all the same, so that nobody can keep a customer's own checks away by guessing at his database.
 */
import {
  ADDRESS_PREFIX,
  chargedForRefusal,
  dialBudgets,
  REFUSALS_PER_TARGET,
  refusalBudgets,
} from '#server/domain/dial-budget.ts'
import type { Probe } from '#server/domain/probe.ts'
import type { ProbeRequest } from '#server/net/dialler.ts'
import * as budgets from '#server/store/dial-budgets.ts'
import type { FailureCode } from '#shared/failure.ts'
import type { WorkerParts } from './parts.ts'

const REFUSED_LOGIN: ReadonlySet<FailureCode> = new Set<FailureCode>(['password_refused', 'login_refused'])

/** Dials when the budgets allow it; else the finding is `budget_exhausted`, which is tried again later. */
export async function guardedProbe(
  parts: WorkerParts,
  of: { organizationId: string; isTrusted: boolean; request: Omit<ProbeRequest, 'avoid'> },
): Promise<Probe> {
  const { organizationId, isTrusted, request } = of
  const { db } = parts
  const now = parts.clock()
  const { target } = request
  const allowed = isTrusted || (await mayDial(parts, organizationId, target))
  if (!allowed) return exhausted()
  const full = isTrusted ? [] : await budgets.exhausted(db, { prefix: ADDRESS_PREFIX, limit: REFUSALS_PER_TARGET, now })
  const probe = await parts.dialler.probe({ ...request, avoid: full.map(key => key.slice(ADDRESS_PREFIX.length)) })
  if (probe.failure !== null && REFUSED_LOGIN.has(probe.failure.code)) {
    await budgets.take(db, chargedForRefusal(organizationId, target, probe.addresses), now)
  }
  return probe
}

async function mayDial(
  parts: WorkerParts,
  organizationId: string,
  place: { host: string; port: number },
): Promise<boolean> {
  const now = parts.clock()
  if (!(await budgets.isLeft(parts.db, refusalBudgets(organizationId, place), now))) return false
  return budgets.take(parts.db, dialBudgets(organizationId, place), now)
}

function exhausted(): Probe {
  return {
    passed: null,
    failure: { code: 'budget_exhausted' },
    addresses: [],
    openNetwork: false,
    tls: null,
    channelBound: false,
    facts: null,
    schemaUsable: null,
    tookMs: 0,
  }
}
