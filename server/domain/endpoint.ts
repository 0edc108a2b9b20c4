/**
 * What a signed request is and what it found, and the judging of a probe: the checklist of an endpoint and its verdict.
 *
 * Decides about facts that `net/endpoint.ts` brings home from a server that may be hostile. Called by the verification,
 * by the rotation of a signing key and, for the shapes, by the poll.
 */
import { type Advisory, type Check, ENDPOINT_ITEMS } from '#shared/check.ts'
import { type Failure, type FailureCode, failureSpec, type Stage } from '#shared/failure.ts'
import type { FaultCode } from '#shared/fault.ts'
import { readPage } from './feed-page.ts'

/** One signed request. Plain values, so that it can be handed to the dialling child. */
export interface EndpointRequest {
  readonly url: string
  /** One signing key, or during a rotation two, the new one first. */
  readonly keys: readonly string[]
  readonly body: string
  /** Unique for each message; a retry of the same message keeps it. */
  readonly messageId: string
  /** Our clock when the request is made, Unix seconds. */
  readonly timestampSeconds: number
  /** PEM to trust instead of Node's roots. */
  readonly caCertificate: string | null
  /** For the whole: resolve, connect, TLS, request, the last byte of the answer. */
  readonly deadlineMs: number
  /** Of the answer's body. */
  readonly maxBytes: number
  /** Sends a well-formed signature that is wrong, to see whether the endpoint checks it. */
  readonly breakSignature?: boolean
}

/** The end of one signed request. `body` is text that is bounded in bytes and depth, and only there with a 200. */
export interface EndpointAnswer {
  readonly status: number | null
  readonly retryAfterSeconds: number | null
  readonly body: string | null
  readonly failure: Failure | null
  /** The furthest stage that was passed: `tls` when the request could be sent, `authenticate` at the head of a 200. */
  readonly passed: Stage | null
  /** Every judged address, numbers only; empty when the host was refused or not resolved. */
  readonly addresses: readonly string[]
  readonly tls: { readonly protocol: string; readonly verified: boolean } | null
  /** By how much the endpoint's clock is ahead of ours, by its `Date` header; null where it sends none. */
  readonly clockOffsetSeconds: number | null
  readonly tookMs: number
}

/** A probe signed rightly and, after a good answer to that, one signed wrongly. */
export interface EndpointProbe {
  readonly signed: EndpointAnswer
  readonly forged: EndpointAnswer | null
}

/** The verdict on an endpoint, in the terms of `domain/verification.ts`. */
export interface EndpointJudgement {
  readonly checks: Check[]
  readonly advisories: Advisory[]
  readonly outcome: 'passed' | 'refused' | 'unreachable'
  readonly reason: FaultCode | null
  readonly retryable: boolean
}

type Item = (typeof ENDPOINT_ITEMS)[number]

/** How far the clocks may be apart, either way (the endpoint protocol). */
const MAX_CLOCK_SECONDS = 300

/** The item that is being tried after a stage was passed: a silence after the TLS handshake is no connect failure. */
const TRIED_AFTER: Record<Stage, Item> = {
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

const ITEM_OF: Record<Stage, Item> = {
  ...TRIED_AFTER,
  policy: 'host',
  connect: 'connect',
  tls: 'tls',
  authenticate: 'signature',
}

/** Where the table's advice is worded for a database. */
const FIXES: Partial<Record<FailureCode, string>> = {
  port_refused: 'Use port 443 or 8443.',
  certificate_untrusted: 'Serve a certificate of a public CA, together with its intermediate certificates.',
  certificate_name_mismatch: "Serve a certificate for the URL's host.",
  tls_handshake_failed: 'Enable TLS 1.2 or 1.3 at the endpoint.',
  dialler_died: 'Check what the endpoint answers.',
}

/** Judges a probe. Every item occurs once, in the order of `ENDPOINT_ITEMS`; nothing of the answer's text is in it. */
export function judgeEndpoint(probe: EndpointProbe): EndpointJudgement {
  const { signed, forged } = probe
  const failure = failureOf(signed)
  if (failure === null) {
    return {
      checks: checksOf(signed, null),
      advisories: advise(forged),
      outcome: 'passed',
      reason: null,
      retryable: false,
    }
  }
  const { fault, retryable } = failureSpec(failure.code)
  const reason = failure.code === 'dialler_died' ? 'endpoint_unavailable' : fault
  const outcome = retryable ? 'unreachable' : 'refused'
  return { checks: checksOf(signed, failure), advisories: [], outcome, reason, retryable }
}

/** Whether a probe signed with one key alone shows that the endpoint holds that key: a 200 with a well-formed page. */
export function isAccepted(answer: EndpointAnswer): boolean {
  return failureOf(answer) === null
}

/** Decides the overlap of a rotation. Times in milliseconds; the window counts from when the new key was given. */
export function judgeRotation(
  probe: EndpointAnswer,
  overlap: { readonly startedAtMs: number; readonly nowMs: number; readonly windowMs: number },
): 'retire_old' | 'destroy_new' | 'wait' {
  if (isAccepted(probe)) return 'retire_old'
  return overlap.nowMs - overlap.startedAtMs >= overlap.windowMs ? 'destroy_new' : 'wait'
}

function failureOf(answer: EndpointAnswer): Failure | null {
  if (answer.failure !== null) return answer.failure
  return answer.body === null || readPage(answer.body) === null ? { code: 'endpoint_answer' } : null
}

function failedItem(answer: EndpointAnswer, failure: Failure): Item {
  const named = ITEM_OF[failureSpec(failure.code).stage]
  const tried = answer.passed === null ? 'host' : TRIED_AFTER[answer.passed]
  // A connection that times out or breaks is of stage "connect" in the table, whenever it happens.
  return named === 'connect' && ENDPOINT_ITEMS.indexOf(tried) > ENDPOINT_ITEMS.indexOf(named) ? tried : named
}

function checksOf(answer: EndpointAnswer, failure: Failure | null): Check[] {
  const failed = failure === null ? null : failedItem(answer, failure)
  const end = failed === null ? ENDPOINT_ITEMS.length : ENDPOINT_ITEMS.indexOf(failed)
  return ENDPOINT_ITEMS.map((item, at): Check => {
    if (failure !== null && item === failed) return { item, outcome: 'fail', ...findingOf(answer, failure) }
    return at < end && isShown(item, answer) ? { item, outcome: 'pass' } : { item, outcome: 'skipped' }
  })
}

/** An item before the failed one was passed, unless nothing shows it: no TLS was spoken, or no 200 was answered. */
function isShown(item: Item, answer: EndpointAnswer): boolean {
  if (item === 'tls') return answer.tls !== null
  return item !== 'signature' || answer.status === 200
}

function findingOf(answer: EndpointAnswer, failure: Failure): { actual: string; fix: string } {
  const spec = failureSpec(failure.code)
  const actual = answer.status === null || answer.status === 200 ? spec.saw : `${spec.saw} (HTTP ${answer.status})`
  const offset = answer.clockOffsetSeconds ?? 0
  if (failure.code === 'signature_refused' && Math.abs(offset) > MAX_CLOCK_SECONDS) {
    const direction = offset > 0 ? 'ahead of' : 'behind'
    return {
      actual,
      fix: `Set the endpoint's clock: it is ${Math.abs(offset)} s ${direction} ours, and 300 s are allowed.`,
    }
  }
  return { actual, fix: FIXES[failure.code] ?? spec.fix }
}

function advise(forged: EndpointAnswer | null): Advisory[] {
  if (forged === null) return []
  if (forged.status !== null && forged.status >= 200 && forged.status < 300) {
    const recommendation = 'The endpoint accepts unsigned requests: answer 401 where webhook-signature is wrong.'
    return [{ item: 'signature', recommendation }]
  }
  const refused = forged.failure !== null && !failureSpec(forged.failure.code).retryable
  if (refused && forged.status !== null && forged.status >= 400) return []
  const recommendation = 'It could not be seen whether the endpoint checks signatures: answer 401 to a wrong one.'
  return [{ item: 'signature', recommendation }]
}
