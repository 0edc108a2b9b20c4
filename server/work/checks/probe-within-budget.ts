/**
 * Dials within the budgets of logins: checks them before and charges them after. A credential that is current and
 * active is dialled even if they are exhausted, so that nobody can suppress a customer's own checks by guessing at
 * their database; refusals count.
 */

import type { Probe } from '#server/domain/checks/probe.ts'
import { HALF_REFUSED, REFUSED_LOGIN_COST } from '#server/domain/network/login-budget.ts'
import type { ProbeRequest } from '#server/net/postgres/probe.ts'
import type { CatalogAsk, CatalogRead } from '#server/net/process/catalog-answer.ts'
import type { ProbeOptions } from '#server/net/process/dialler.ts'
import {
  admitLogin,
  chargeFor,
  countUnequal,
  type Login,
  type OwnLogin,
  uncount,
  type Version,
} from '#server/work/credentials/login-budgets.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import type { Failure, Stage } from '#shared/faults/failure.ts'
import { REFUSED_LOGINS } from '#shared/faults/login-failure.ts'
import { Hung } from './first-try.ts'

const LOGGED_IN: ReadonlySet<Stage> = new Set<Stage>(['authenticate', 'database', 'privilege'])

/** The dial's organization, its login, and whether the credential is current and active. */
interface Guarded<T> {
  readonly organizationId: string
  readonly isTrusted: boolean
  /** The stored version that is tried, if a comparison may have counted it. */
  readonly stored?: Version | null
  /** Called with each checklist item that a probe passes, while it runs. */
  readonly onPassed?: ProbeOptions['onPassed']
  readonly request: Omit<T, 'avoid'>
}

interface Ended {
  readonly passed?: Stage | null
  readonly failure: Failure | null
  readonly address: string | null
  readonly addresses?: readonly string[]
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

/** The end of a guarded dial. `keptUntil` is the time until which the budgets forbid it: `budget_exhausted`. */
export interface BudgetedEnd<T> {
  readonly end: T
  readonly keptUntil: Date | null
}

/** Probes if the budgets allow it. */
export async function probeWithinBudget(deps: WorkerDeps, guarded: Guarded<ProbeRequest>): Promise<BudgetedEnd<Probe>> {
  const { onPassed } = guarded
  const probe = (avoid: string[]) => deps.dialler.probe({ ...guarded.request, avoid }, { onPassed })
  return guard(deps, guarded, { dial: probe, exhausted: { ...EXHAUSTED, ...NOTHING } })
}

/** Reads a catalog with a credential that is current and active. */
export async function readCatalogWithinBudget(
  deps: WorkerDeps,
  guarded: Omit<Guarded<CatalogAsk>, 'isTrusted' | 'stored'>,
): Promise<CatalogRead> {
  const describe = (avoid: string[]) => deps.dialler.describe({ ...guarded.request, avoid })
  const how = { dial: describe, exhausted: { ...EXHAUSTED, finding: null } }
  return (await guard(deps, { ...guarded, isTrusted: true }, how)).end
}

async function guard<T extends Ended>(
  deps: WorkerDeps,
  guarded: Guarded<{ readonly target: Login }>,
  how: { dial: (avoid: string[]) => Promise<T>; exhausted: T },
): Promise<BudgetedEnd<T>> {
  const { organizationId, stored = null } = guarded
  const login: OwnLogin = { organizationId, target: guarded.request.target }
  // The count of a comparison must not prevent the very dial that resolves it. A trusted credential was dialled before:
  // none counts it, and each of the checks on its schedule is spared a statement.
  const isCounted = stored !== null && !guarded.isTrusted && (await uncount(deps, login, stored))
  const cut: Hung[] = []
  const guardedEnd = await dialled(
    deps,
    { ...guarded, login },
    { ...how, dial: avoid => how.dial(avoid).catch(noting(cut)) },
  )
  if (isCounted && !isAnswered(guardedEnd.end)) await countUnequal(deps, login, stored)
  // Only now: a server that takes the proof of a password and then hangs is charged like any other.
  if (cut[0] !== undefined) throw cut[0]
  return guardedEnd
}

/** Records an aborted first attempt, and continues with what was observed by then. */
function noting<T extends Ended>(cut: Hung[]): (thrown: unknown) => T {
  return thrown => {
    if (!(thrown instanceof Hung)) throw thrown
    cut.push(thrown)
    // Sound: it is the end of this dial.
    return thrown.end as T
  }
}

async function dialled<T extends Ended>(
  deps: WorkerDeps,
  { isTrusted, login }: { readonly isTrusted: boolean; readonly login: OwnLogin },
  how: { dial: (avoid: string[]) => Promise<T>; exhausted: T },
): Promise<BudgetedEnd<T>> {
  const admitted = isTrusted ? null : await admitLogin(deps, login)
  if (admitted !== null && 'until' in admitted) {
    deps.meter.count('mooring_limits_hit_total', { limit: 'login-budget' })
    return { end: how.exhausted, keptUntil: admitted.until }
  }
  const avoid = admitted?.avoid ?? new Map<string, Date>()
  try {
    const end = await how.dial([...avoid.keys()].map(address => `${address}|${login.target.port}`))
    if (end.failure?.code === 'budget_exhausted') return { end, keptUntil: untilOf(deps, end, avoid) }
    await chargeFor(deps, login, { address: end.address, halves: halvesOf(end), isTrusted })
    return { end, keptUntil: null }
  } finally {
    await admitted?.release()
  }
}

function halvesOf({ failure }: Ended): number {
  if (failure === null) return 0
  if (REFUSED_LOGINS.has(failure.code)) return REFUSED_LOGIN_COST
  return failure.proofSent === true ? HALF_REFUSED : 0
}

function isAnswered(end: Ended): boolean {
  const isIn = end.passed !== undefined && end.passed !== null && LOGGED_IN.has(end.passed)
  return end.failure === null || isIn || halvesOf(end) > 0
}

/** The latest of the times until which its addresses may not be dialled. */
function untilOf(deps: WorkerDeps, { addresses = [] }: Ended, avoid: ReadonlyMap<string, Date>): Date {
  const times = addresses.flatMap(address => avoid.get(address)?.getTime() ?? [])
  return new Date(Math.max(deps.clock().getTime(), ...times))
}
