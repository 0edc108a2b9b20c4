/**
 * The checklist items from the host to the login: how far the dial came, what ended it, and what was observed on the
 * way.
 *
 * An item passes only if the dial reports that it passed. A target's TLS requirements are judged here once more, so
 * that a bug in the dialler causes a refusal rather than misplaced trust. Called by `verification.ts`.
 */

import { dialFix } from '#server/domain/checks/fixes/dial-fixes.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import { DIAL_ITEMS, type DialItem, type DirectItem } from '#shared/checks/items.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import { type Failure, type FailureCode, failureSpec, type Stage } from '#shared/faults/failure.ts'
import type { FaultCode } from '#shared/faults/fault.ts'
import { REFUSED_LOGINS } from '#shared/faults/login-failure.ts'
import type { Probe } from './probe.ts'
import type { TriedLogin } from './tried-login.ts'

/** One checklist item, with the fault that a failure means. */
export interface CheckResult {
  readonly check: Check
  readonly fault: FaultCode | null
  /** True if a retry may succeed. */
  readonly retryable: boolean
}

/** The part of a target that the verdict needs, without the password. */
export type CheckedTarget = Pick<Target, 'host' | 'port' | 'database' | 'user' | 'tlsMode' | 'channelBinding'>

/** Stages in the order in which they pass. A protocol violation can occur at any of them once connected. */
const RANK: Readonly<Record<Stage, number>> = {
  parse: 0,
  resolve: 1,
  policy: 2,
  connect: 3,
  protocol: 3,
  tls: 4,
  authenticate: 5,
  database: 6,
  privilege: 7,
}

/** Failures that belong to another item than that of the stage in which they were noticed. */
const ELSEWHERE: Readonly<Partial<Record<FailureCode, DirectItem>>> = {
  budget_exhausted: 'connect',
  dialler_busy: 'connect',
  not_postgres: 'connect',
  string_refused: 'host',
  tls_demanded: 'tls',
  // A pooler accepts the login, and reports the state of the server behind it at the first query.
  pooler_backend_away: 'database',
  pooler_console: 'database',
  connect_denied: 'database',
  database_missing: 'database',
  database_disabled: 'database',
  database_invalid: 'database',
  server_starting: 'database',
  standby_closed: 'database',
  too_many_connections: 'database',
  role_limit_reached: 'database',
  database_limit_reached: 'database',
  quota_spent: 'database',
  login_blocked: 'database',
  server_unknown: 'server_version',
}

/** An item that passes. */
export function passing(item: DirectItem, actual: string): CheckResult {
  return { check: { item, outcome: 'pass', actual }, fault: null, retryable: false }
}

/** An item that was not judged; `actual` says why, unless the dial simply ended before it. */
export function skipped(item: DirectItem, actual?: string): CheckResult {
  return {
    check: { item, outcome: 'skipped', ...(actual === undefined ? {} : { actual }) },
    fault: null,
    retryable: false,
  }
}

/** An item that fails for good. */
export function failing(item: DirectItem, fault: FaultCode, seen: { actual: string; fix: string }): CheckResult {
  return { check: { item, outcome: 'fail', ...seen }, fault, retryable: false }
}

/** The item for the failure that ended a dial. */
export function failed(item: DirectItem, failure: Failure, tried: TriedLogin): CheckResult {
  const spec = failureSpec(failure.code)
  const sqlstate = /^[0-9A-Z]{5}$/.test(failure.sqlstate ?? '') ? ` (SQLSTATE ${failure.sqlstate})` : ''
  const fix = dialFix(failure, tried)
  return {
    check: { item, outcome: 'fail', actual: `${observed(failure, spec.observed)}${sqlstate}`, fix },
    fault: spec.fault,
    retryable: spec.retryable,
  }
}

/** The observation, with the numbers and names from our own lists that a failure contains. */
function observed({ code, product, seconds, iterations, isPassedOn }: Failure, observation: string): string {
  if (isPassedOn === true) return 'the pooler accepts the password; the server behind it refuses it'
  if (code === 'login_timeout' && seconds !== undefined) {
    return `reached; the login took over ${seconds} s (a paused database may be waking)`
  }
  if (code === 'scram_iterations' && iterations !== undefined)
    return `${iterations} SCRAM iterations; 4,096 to 100,000 are accepted`
  return product === undefined ? observation : `${product}, which is not PostgreSQL 13 or later`
}

/** The item of a failure: that of its stage, or of the stage after the last one that passed, if later. */
export function itemOf(failure: Failure, probe: Probe): DirectItem {
  if (probe.facts !== null) return 'schema'
  const elsewhere = ELSEWHERE[failure.code]
  if (elsewhere !== undefined) return elsewhere
  // A pooler logs in to its server at our first query, and relays a refusal.
  if (passedRank(probe) >= RANK.database && REFUSED_LOGINS.has(failure.code)) return 'database'
  const rank = Math.max(RANK[failureSpec(failure.code).stage], passedRank(probe) + 1)
  return DIAL_ITEMS[Math.max(rank - RANK.policy, 0)] ?? 'role_superuser'
}

/** True if the item belongs to the dial itself, from the host to the database. */
export function isDialItem(item: DirectItem): item is DialItem {
  return DIAL_ITEMS.some(own => own === item)
}

/** A probe, its request, and the facts that a fix depends on. */
export interface Dial {
  readonly probe: Probe
  readonly target: CheckedTarget
  readonly tried: TriedLogin
}

/** The line of an item that did not fail: passed if the dial came that far, else skipped. */
export function dialLine(item: DialItem, dial: Dial): CheckResult {
  const isPassed = passedRank(dial.probe) - RANK.policy >= DIAL_ITEMS.indexOf(item)
  return isPassed ? LINES[item](dial) : skipped(item)
}

function passedRank(probe: Probe): number {
  return probe.passed === null ? -1 : RANK[probe.passed]
}

const LINES: Readonly<Record<DialItem, (dial: Dial) => CheckResult>> = {
  host: ({ probe: { addresses, openNetwork }, target: { host } }) => {
    const network = openNetwork ? ', in a network that this installation has opened' : ''
    return passing('host', `${host}: ${addresses.length} address${addresses.length === 1 ? '' : 'es'}${network}`)
  },
  connect: ({ target: { port } }) => passing('connect', `port ${port}`),
  tls: tlsLine,
  authenticate: ({ probe: { channelBound }, target: { channelBinding }, tried }) =>
    channelBinding === 'require' && !channelBound
      ? failed('authenticate', { code: 'channel_binding_missing' }, tried)
      : passing('authenticate', channelBound ? 'logged in, bound to the TLS channel' : 'logged in'),
  database: ({ target: { database } }) => passing('database', database),
}

function tlsLine({ probe: { tls, openNetwork }, target: { tlsMode }, tried }: Dial): CheckResult {
  if (tls === null) {
    if (openNetwork && MAY_BE_CLEAR.has(tlsMode)) return skipped('tls', `not encrypted, as sslmode=${tlsMode} allows`)
    return failed('tls', { code: tlsMode === 'disable' ? 'tls_required' : 'tls_not_offered' }, tried)
  }
  if (tlsMode.startsWith('verify-') && !tls.verified) return failed('tls', { code: 'certificate_untrusted' }, tried)
  return passing('tls', `${tls.protocol}, certificate ${tls.verified ? 'verified' : 'not verified'}`)
}

const MAY_BE_CLEAR: ReadonlySet<Target['tlsMode']> = new Set(['disable', 'allow', 'prefer'])

/** Only for a credential already in use: a new one that logs in this way is refused. */
const MD5_ADVICE: Advisory = {
  item: 'authenticate',
  recommendation:
    'The password is sent as MD5 under a CA certificate of your own; a new credential that does so is refused. ' +
    "Set password_encryption = 'scram-sha-256' and the role's password again.",
}

/** Advice about the link: a raised TLS mode, missing encryption, missing proof of the server's identity. */
export function dialAdvice(
  probe: Probe,
  { target: { tlsMode }, isCaNamed = false }: { target: CheckedTarget; isCaNamed?: boolean },
): Advisory[] {
  const isLoggedIn = passedRank(probe) >= RANK.authenticate
  const advise = (recommendation: string) => [{ item: 'tls', recommendation }]
  if (probe.tls === null)
    return isLoggedIn ? advise('The connection is not encrypted. Use sslmode=require or stronger.') : []
  const isRaised = !probe.openNetwork && (tlsMode === 'allow' || tlsMode === 'prefer')
  const orBound = probe.channelBindingOffered === true ? ', or channel_binding=require' : ''
  return [
    ...(isCaNamed && probe.passwordSent === 'md5' ? [MD5_ADVICE] : []),
    ...(isRaised ? advise(`sslmode=${tlsMode} was raised to require. Write sslmode=require.`) : []),
    ...(isLoggedIn && !probe.tls.verified && !probe.channelBound
      ? advise(`The identity of the server is not verified. Use sslmode=verify-full with the CA certificate${orBound}.`)
      : []),
  ]
}
