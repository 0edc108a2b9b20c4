/**
 * Judges signed requests: the checklist of an endpoint with its verdict, and the overlap of a key's rotation.
 *
 * Fails closed: anything unobserved has not passed. The only part of a stranger's answer in a verdict is numbers.
 * Called by the verification and by the rotation.
 */

import type { EndpointAnswer } from '#server/domain/feeds/endpoint.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import { ENDPOINT_ITEMS } from '#shared/checks/items.ts'
import { type Failure, type FailureCode, failureSpec, type Stage } from '#shared/faults/failure.ts'
import type { Verification } from './verification.ts'

/** A correctly signed request and, after a good answer, a wrongly signed one. */
export interface EndpointProbe {
  readonly signed: EndpointAnswer
  readonly forged: EndpointAnswer | null
}

type Item = (typeof ENDPOINT_ITEMS)[number]

/** The maximum difference between the clocks, in either direction (the endpoint protocol). */
const MAX_CLOCK_SECONDS = 300

/** The item that is tried after a stage has passed. */
const TRIED_AFTER: Readonly<Record<Stage, Item>> = {
  parse: 'host',
  resolve: 'host',
  policy: 'connect',
  connect: 'tls',
  tls: 'answer',
  authenticate: 'answer',
  database: 'answer',
  privilege: 'answer',
  protocol: 'answer',
}

const ITEM_OF: Readonly<Record<Stage, Item>> = {
  ...TRIED_AFTER,
  policy: 'host',
  connect: 'connect',
  tls: 'tls',
  authenticate: 'signature',
}

/** Failures that belong to another item than that of the stage in which they were noticed. */
const ELSEWHERE: Readonly<Partial<Record<FailureCode, Item>>> = { budget_exhausted: 'connect', dialler_busy: 'connect' }

/** Fixes for failures whose entry in the table of failures is worded for a database. */
const FIXES: Readonly<Partial<Record<FailureCode, string>>> = {
  port_refused: 'Use port 443 or 8443.',
  certificate_untrusted: 'Serve a certificate from a public CA, together with its intermediate certificates.',
  certificate_name_mismatch: "Serve a certificate for the URL's host.",
  tls_handshake_failed: 'Enable TLS 1.2 or 1.3 at the endpoint.',
  dialler_died: "Check the endpoint's answer.",
}

/** Judges a probe. `checks` has one entry for each of `ENDPOINT_ITEMS`, in that order. */
export function verifyEndpointKeys({ signed, forged }: EndpointProbe): Verification {
  const failure = failureOf(signed)
  const checks = checksOf(signed, failure)
  if (failure === null) {
    return { checks, advisories: advise(forged), outcome: 'passed', reason: null, retryable: false }
  }
  const { fault, retryable } = failureSpec(failure.code)
  const reason = failure.code === 'dialler_died' ? 'endpoint_unavailable' : fault
  return { checks, advisories: [], outcome: retryable ? 'unreachable' : 'refused', reason, retryable }
}

/** The overlap of a rotation: the arrival of the new key, according to its row, and how long both keys are used. */
export interface Overlap {
  readonly startedAtMs: number
  readonly nowMs: number
  readonly windowMs: number
}

/** The assumed maximum difference between two machines' clocks. */
const CLOCKS_MS = 300_000

/**
 * True after the window. A key from the future has none: its row was edited, and would otherwise stay pending forever.
 */
export function isOverlapOver({ startedAtMs, nowMs, windowMs }: Overlap): boolean {
  return nowMs - startedAtMs >= windowMs || startedAtMs > nowMs + CLOCKS_MS
}

/** Decides the overlap of a rotation, from a probe signed with the new key alone. The window starts at its arrival. */
export function verifyRotation(probe: EndpointAnswer, overlap: Overlap): 'retire_old' | 'destroy_new' | 'wait' {
  const failure = failureOf(probe)
  if (failure === null) return 'retire_old'
  // An endpoint that was never asked has not refused the key, however late it is.
  if (NEVER_ASKED.has(failure.code)) return 'wait'
  return isOverlapOver(overlap) ? 'destroy_new' : 'wait'
}

const NEVER_ASKED: ReadonlySet<FailureCode> = new Set<FailureCode>(['budget_exhausted', 'dialler_busy'])

function failureOf(answer: EndpointAnswer): Failure | null {
  if (answer.failure !== null) return answer.failure
  // This cannot happen: the dialler always verifies. A bug there causes a refusal rather than misplaced trust.
  if (answer.tls?.verified === false) return { code: 'certificate_untrusted' }
  return answer.page === null ? { code: 'endpoint_answer' } : null
}

function failedItem(answer: EndpointAnswer, failure: Failure): Item {
  const named = ELSEWHERE[failure.code] ?? ITEM_OF[failureSpec(failure.code).stage]
  const tried = answer.passed === null ? 'host' : TRIED_AFTER[answer.passed]
  // In the table, a timeout or a lost connection belongs to the stage "connect", whenever it happens.
  return named === 'connect' && ENDPOINT_ITEMS.indexOf(tried) > ENDPOINT_ITEMS.indexOf(named) ? tried : named
}

function checksOf(answer: EndpointAnswer, failure: Failure | null): Check[] {
  const failed = failure === null ? null : failedItem(answer, failure)
  const end = failed === null ? ENDPOINT_ITEMS.length : ENDPOINT_ITEMS.indexOf(failed)
  return ENDPOINT_ITEMS.map((item, at): Check => {
    if (failure !== null && item === failed) return { item, outcome: 'fail', ...findingOf(answer, failure) }
    return at < end ? lineOf(item, answer) : { item, outcome: 'skipped' }
  })
}

/** An item before the failed one: passed, unless nothing proves it. */
function lineOf(item: Item, { addresses, tls, status }: EndpointAnswer): Check {
  if (item === 'host') {
    return { item, outcome: 'pass', actual: `${addresses.length} address${addresses.length === 1 ? '' : 'es'}` }
  }
  if (item === 'tls') {
    if (tls === null)
      return { item, outcome: 'skipped', actual: 'http, in a network that this installation has opened' }
    return { item, outcome: 'pass', actual: `${tls.protocol}, certificate verified` }
  }
  return item === 'signature' && status !== 200 ? { item, outcome: 'skipped' } : { item, outcome: 'pass' }
}

function findingOf(answer: EndpointAnswer, failure: Failure): { actual: string; fix: string } {
  const spec = failureSpec(failure.code)
  const actual =
    answer.status === null || answer.status === 200 ? spec.observed : `${spec.observed} (HTTP ${answer.status})`
  const offset = answer.clockOffsetSeconds ?? 0
  const isClock = failure.code === 'endpoint_clock' && offset !== 0
  if (isClock || (failure.code === 'signature_refused' && Math.abs(offset) > MAX_CLOCK_SECONDS)) {
    const place = `${Math.abs(offset)} s ${offset > 0 ? 'ahead of' : 'behind'} Mooring's`
    return { actual, fix: `Set the endpoint's clock: it is ${place}, and ${MAX_CLOCK_SECONDS} s are allowed.` }
  }
  return { actual, fix: FIXES[failure.code] ?? spec.fix }
}

function advise(forged: EndpointAnswer | null): Advisory[] {
  if (forged === null) return []
  const advisory = (recommendation: string) => [{ item: 'signature', recommendation }]
  const status = forged.status ?? 0
  if (status >= 200 && status < 300) {
    return advisory('The endpoint accepts unsigned requests: it must answer 401 if webhook-signature is wrong.')
  }
  const isRefused = status >= 400 && forged.failure !== null && !failureSpec(forged.failure.code).retryable
  if (isRefused) return []
  return advisory('Mooring could not tell whether the endpoint checks signatures: it must answer 401 to a wrong one.')
}
