/**
 * Dials within their budgets: take from them before, charge them after a refused login. A credential that is in force and
 * has worked is dialled all the same, so that nobody can keep a customer's own checks away by guessing at his database.
 */
import {
  ADDRESS_BUDGETS,
  chargedForDial,
  chargedForRefusal,
  dialBudgets,
  refusalBudgets,
} from '#server/domain/dial-budget.ts'
import type { Probe } from '#server/domain/probe.ts'
import type { CatalogAsk, Described } from '#server/net/describe-answer.ts'
import type { ProbeRequest } from '#server/net/probe.ts'
import * as budgets from '#server/store/dial-budgets.ts'
import type { Failure, FailureCode } from '#shared/failure.ts'
import type { WorkerParts } from './parts.ts'

const REFUSED_LOGIN: ReadonlySet<FailureCode> = new Set<FailureCode>(['password_refused', 'login_refused'])

/** For whom is dialled, and whether the credential is in force and has worked. */
interface Guarded<T> {
  readonly organizationId: string
  readonly isTrusted: boolean
  readonly request: Omit<T, 'avoid'>
}

interface Ended {
  readonly failure: Failure | null
  readonly address: string | null
}

const EXHAUSTED = { failure: { code: 'budget_exhausted' }, address: null, tookMs: 0 } as const
const NOTHING = {
  passed: null,
  addresses: [],
  openNetwork: false,
  tls: null,
  channelBound: false,
  facts: null,
  schemaUsable: null,
}

/** Probes when the budgets allow it; else the finding is `budget_exhausted`, which is tried again later. */
export async function guardedProbe(parts: WorkerParts, of: Guarded<ProbeRequest>): Promise<Probe> {
  const probe = (avoid: string[]) => parts.dialler.probe({ ...of.request, avoid })
  return guarded(parts, of, { dial: probe, exhausted: { ...EXHAUSTED, ...NOTHING } })
}

/** Reads a catalog when the budgets allow it. */
export async function guardedDescribe(parts: WorkerParts, of: Guarded<CatalogAsk>): Promise<Described> {
  const describe = (avoid: string[]) => parts.dialler.describe({ ...of.request, avoid })
  return guarded(parts, of, { dial: describe, exhausted: { ...EXHAUSTED, finding: null } })
}

async function guarded<T extends Ended>(
  parts: WorkerParts,
  of: Guarded<{ readonly target: { readonly host: string; readonly port: number } }>,
  how: { dial: (avoid: string[]) => Promise<T>; exhausted: T },
): Promise<T> {
  const { organizationId, isTrusted } = of
  const { target } = of.request
  const now = parts.clock()
  if (!isTrusted && !(await mayDial(parts, organizationId, target))) return how.exhausted
  const full = isTrusted ? [] : await budgets.exhausted(parts.db, ADDRESS_BUDGETS, now)
  const end = await how.dial(full)
  if (end.address === null) return end
  const connected = { host: end.address, port: target.port }
  const isRefused = end.failure !== null && REFUSED_LOGIN.has(end.failure.code)
  const charged = [
    ...(isTrusted ? [] : chargedForDial(connected)),
    ...(isRefused ? chargedForRefusal(organizationId, target, connected) : []),
  ]
  if (charged.length > 0) await budgets.take(parts.db, charged, now)
  return end
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
