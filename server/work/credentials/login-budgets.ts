/**
 * Admits logins, and charges refused ones. Only a login with a credential that is not current and active is ever held
 * back, by refusals of its own organization or of the same login: a neighbour on the same host is never delayed. Called
 * by code that dials and by code that compares.
 */
import { type Budget, chargedForDial, dialBudgets } from '#server/domain/network/dial-budget.ts'
import {
  countedMarker,
  type LoginTarget,
  loginBudget,
  ownBudgets,
  REFUSED_LOGIN_COST,
  triedBudget,
  underWay,
} from '#server/domain/network/login-budget.ts'
import {
  addressBudgets,
  addressFamilies,
  chargedAtAddress,
  chargedAtHost,
  loginFamilies,
} from '#server/domain/network/login-charges.ts'
import * as budgets from '#server/store/access/dial-budgets.ts'
import * as loginHashes from '#server/store/credentials/login-hashes.ts'
import type { WorkerDeps } from '#server/work/deps.ts'

/** A login as given. */
export interface Login {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

/** An organization's login. */
export interface OwnLogin {
  readonly organizationId: string
  readonly target: Login
}

/** An admitted attempt, with the addresses that must not be dialled and the end of each block. */
export interface LoginAdmission {
  readonly avoid: ReadonlyMap<string, Date>
  /** Reports that the attempt is over. */
  release(): Promise<void>
}

// Attempts in progress with one login take seconds.
const SOON_MS = 2_000

/** Keyed hashes of a login, one for each pepper, the current one first. */
export function loginHashesOf(deps: WorkerDeps, { host, port, database, user }: Login): Buffer[] {
  return deps.tokens.digests(JSON.stringify(['login', host.toLowerCase(), port, database, user]))
}

function targetOf(deps: WorkerDeps, { host, port, database, user }: Login): LoginTarget {
  const [hash] = deps.tokens.digests(JSON.stringify(['login-budget', database, user]))
  if (hash === undefined) throw new Error('the keyring has no pepper')
  return { host, port, login: hash.toString('base64url') }
}

/** Admits an attempt with a login, or returns the earliest time of a retry. */
export async function admitLogin(
  deps: WorkerDeps,
  login: OwnLogin,
): Promise<LoginAdmission | { readonly until: Date }> {
  const { organizationId } = login
  const target = targetOf(deps, login.target)
  const now = deps.clock()
  const own = await budgets.spentUntil(deps.db, ownBudgets(organizationId, target), now)
  if (own !== null) return { until: own }
  const isExempt = await loginHashes.isInForce(deps.db, organizationId, loginHashesOf(deps, login.target))
  const release = isExempt ? async () => undefined : () => budgets.giveBack(deps.db, [underWay(target)], 1)
  const kept = isExempt ? null : await keptByLogin(deps, { organizationId, target, now })
  const until = kept ?? (await budgets.take(deps.db, dialBudgets(organizationId, target), now))
  if (until !== null) {
    await release()
    return { until }
  }
  return { avoid: await avoided(deps, { organizationId, target, now, isExempt }), release }
}

interface Asked {
  readonly organizationId: string
  readonly target: LoginTarget
  readonly now: Date
}

/**
 * The time until which refusals of this login, by any organization, hold it back; counts the attempt as in progress.
 */
async function keptByLogin(deps: WorkerDeps, { organizationId, target, now }: Asked): Promise<Date | null> {
  const budget = loginBudget(target, target.host)
  const tries = await chargeOne(deps, { budget: underWay(target), units: 1 }, now)
  const refused = await budgets.read(deps.db, budget, now)
  // The attempts in progress may all still be refused.
  if ((refused?.used ?? 0) + (tries - 1) * REFUSED_LOGIN_COST < budget.limit) return null
  // An organization's first attempt is always made: strangers' guesses must not keep a new customer out.
  const tried = triedBudget(organizationId, target, target.host)
  if ((await chargeOne(deps, { budget: tried, units: 1 }, now)) === 1) return null
  const isSpent = refused !== undefined && refused.used >= budget.limit
  return isSpent ? refused.resetsAt : new Date(now.getTime() + SOON_MS)
}

async function avoided(
  deps: WorkerDeps,
  { organizationId, target, now, isExempt }: Asked & { readonly isExempt: boolean },
): Promise<Map<string, Date>> {
  const found = await budgets.spentIn(deps.db, addressFamilies(organizationId, target), now)
  if (isExempt) return found
  const { login, tried } = loginFamilies(organizationId, target)
  const spent = await budgets.spentIn(deps.db, [login], now)
  const tries = spent.size === 0 ? new Map() : await budgets.spentIn(deps.db, [tried], now)
  for (const [address, until] of spent) if (tries.has(address)) found.set(address, until)
  return found
}

/** The outcome of a dial. `halves` is its charge in halves of a refused login: 0, 1 or 2. */
export interface Tried {
  readonly address: string | null
  readonly halves: number
  readonly isTrusted: boolean
}

/** Charges a dial and its outcome. */
export async function chargeFor(
  deps: WorkerDeps,
  login: OwnLogin,
  { address, halves, isTrusted }: Tried,
): Promise<void> {
  const { organizationId } = login
  const target = targetOf(deps, login.target)
  const now = deps.clock()
  if (!isTrusted && address !== null)
    await budgets.take(deps.db, chargedForDial(organizationId, { host: address, port: target.port }), now)
  if (halves === 0) return
  await chargeAll(deps, { all: chargedAtHost(organizationId, target), halves, now })
  if (address === null) return
  await chargeAll(deps, { all: chargedAtAddress(organizationId, target, address), halves, now })
  const { own, all } = addressBudgets(organizationId, address)
  const used = await chargeOne(deps, { budget: own, units: halves }, now)
  if (used <= own.limit) await chargeOne(deps, { budget: all, units: halves }, now)
}

async function chargeAll(
  deps: WorkerDeps,
  { all, halves, now }: { all: readonly Budget[]; halves: number; now: Date },
): Promise<void> {
  const charges = all.map(budget => ({ budget, units: halves }))
  if (charges.length > 0) await budgets.charge(deps.db, charges, now)
}

/** Charges one budget and returns the total used. */
async function chargeOne(deps: WorkerDeps, charged: budgets.Charge, now: Date): Promise<number> {
  const [found] = await budgets.charge(deps.db, [charged], now)
  return found?.used ?? Number.POSITIVE_INFINITY
}

/**
 * The time until which a new credential is not compared with the current one; null if it may be, that is, if its login
 * might be tried.
 */
export async function keptFromComparing(deps: WorkerDeps, login: OwnLogin): Promise<Date | null> {
  const { organizationId } = login
  const target = targetOf(deps, login.target)
  const isExempt = await loginHashes.isInForce(deps.db, organizationId, loginHashesOf(deps, login.target))
  const needed = [
    ...ownBudgets(organizationId, target),
    ...dialBudgets(organizationId, target),
    ...(isExempt ? [] : [loginBudget(target, target.host)]),
  ]
  return budgets.spentUntil(deps.db, needed, deps.clock())
}

/**
 * As `keptFromComparing`, for reporting the result of a comparison made without them; a version already counted may be
 * reported.
 */
export async function keptFromTelling(deps: WorkerDeps, login: OwnLogin, version: Version): Promise<Date | null> {
  const marker = countedMarker({ organizationId: login.organizationId, ...version })
  if (((await budgets.read(deps.db, marker, deps.clock()))?.used ?? 0) > 0) return null
  return keptFromComparing(deps, login)
}

/** A version of a stored credential. */
export interface Version {
  readonly datasourceId: string
  readonly version: number
}

/**
 * Counts a credential that differs from the current one as one refused login, once, until its dial shows the outcome:
 * guesses that are never dialled, because the next one replaces them, are still guesses.
 */
export async function countUnequal(
  deps: WorkerDeps,
  { organizationId, target }: OwnLogin,
  version: Version,
): Promise<void> {
  const now = deps.clock()
  const marker = countedMarker({ organizationId, ...version })
  const used = await chargeOne(deps, { budget: marker, units: 1 }, now)
  const all = chargedAtHost(organizationId, targetOf(deps, target))
  if (used === 1) await chargeAll(deps, { all, halves: REFUSED_LOGIN_COST, now })
}

/** Reverts the count of `countUnequal`, since the dial is counted from here on; true if there was one. */
export async function uncount(
  deps: WorkerDeps,
  { organizationId, target }: OwnLogin,
  version: Version,
): Promise<boolean> {
  const marker = countedMarker({ organizationId, ...version })
  if (!(await budgets.remove(deps.db, marker, deps.clock()))) return false
  await budgets.giveBack(deps.db, chargedAtHost(organizationId, targetOf(deps, target)), REFUSED_LOGIN_COST)
  return true
}
