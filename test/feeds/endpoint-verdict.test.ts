/**
 * The verdict on a signed endpoint, word for word, and the end of a rotation's overlap: what an answer proves, and what
 * nobody has asked yet.
 */
import { describe, expect, it } from 'vitest'
import { isOverlapOver, verifyEndpointKeys, verifyRotation } from '#server/domain/checks/endpoint-verdict.ts'
import type { EndpointAnswer } from '#server/domain/feeds/endpoint.ts'
import type { Check } from '#shared/checks/check.ts'
import type { Failure, FailureCode, Stage } from '#shared/faults/failure.ts'
import { GOOD_ANSWER } from '#test/support/feeds/good-answer.ts'

const failing = (failure: Failure, passed: Stage | null, more: Partial<EndpointAnswer> = {}): EndpointAnswer => ({
  ...GOOD_ANSWER,
  ...{ status: null, page: null, failure, passed },
  ...more,
})
const judge = (signed: EndpointAnswer, forged: EndpointAnswer | null = null) => verifyEndpointKeys({ signed, forged })
const lineOf = (signed: EndpointAnswer, item: Check['item']) => judge(signed).checks.find(one => one.item === item)
const failedLine = (signed: EndpointAnswer) => judge(signed).checks.find(one => one.outcome === 'fail')

describe('An endpoint that answers as it should', () => {
  it('passes in all lines', () => {
    expect(judge(GOOD_ANSWER)).toEqual({
      checks: [
        { item: 'host', outcome: 'pass', actual: '1 address' },
        { item: 'connect', outcome: 'pass' },
        { item: 'tls', outcome: 'pass', actual: 'TLSv1.3, certificate verified' },
        { item: 'signature', outcome: 'pass' },
        { item: 'answer', outcome: 'pass' },
      ],
      ...{ advisories: [], outcome: 'passed', reason: null, retryable: false },
    })
  })

  it('may have several addresses, and in an opened network no TLS', () => {
    expect(lineOf({ ...GOOD_ANSWER, addresses: ['a', 'b'] }, 'host')?.actual).toBe('2 addresses')
    expect(lineOf({ ...GOOD_ANSWER, tls: null }, 'tls')).toEqual({
      ...{ item: 'tls', outcome: 'skipped' },
      actual: 'http, in a network that this installation has opened',
    })
  })
})

describe('An endpoint that nothing has proven', () => {
  it('is refused for a certificate that was not verified, whatever it answers', () => {
    const verdict = judge({ ...GOOD_ANSWER, tls: { protocol: 'TLSv1.3', verified: false } })
    expect(verdict).toMatchObject({ outcome: 'refused', reason: 'tls_failed', advisories: [] })
    expect(verdict.checks.find(one => one.outcome === 'fail')).toEqual({
      ...{ item: 'tls', outcome: 'fail', actual: 'a certificate that no trusted CA has issued' },
      fix: 'Serve a certificate from a public CA, together with its intermediate certificates.',
    })
  })

  it('is refused for an answer without a page', () => {
    const verdict = judge({ ...GOOD_ANSWER, page: null })
    expect(verdict).toMatchObject({ outcome: 'refused', reason: 'endpoint_misbehaved' })
    expect(verdict.checks.map(one => one.outcome)).toEqual(['pass', 'pass', 'pass', 'pass', 'fail'])
  })

  it('has no verified signature before a 200', () => {
    const at = (status: number) => lineOf(failing({ code: 'endpoint_failing' }, 'tls', { status }), 'signature')
    expect(at(503)).toEqual({ item: 'signature', outcome: 'skipped' })
    expect(at(200)).toEqual({ item: 'signature', outcome: 'pass' })
  })
})

describe('The failing line of an endpoint', () => {
  it.each<[FailureCode, Stage | null, Check['item']]>([
    ['endpoint_url_refused', null, 'host'],
    ['name_not_found', 'parse', 'host'],
    ['host_refused', 'resolve', 'host'],
    ['budget_exhausted', 'resolve', 'connect'],
    ['dialler_busy', null, 'connect'],
    ['connection_refused', 'policy', 'connect'],
    ['connection_timeout', null, 'connect'],
    ['connection_timeout', 'connect', 'tls'],
    ['connection_lost', 'tls', 'answer'],
    ['connection_lost', 'authenticate', 'answer'],
    ['connection_lost', 'protocol', 'answer'],
    ['tls_handshake_failed', 'connect', 'tls'],
    ['signature_refused', 'tls', 'signature'],
    ['endpoint_keyless', 'tls', 'signature'],
    ['endpoint_answer', 'authenticate', 'answer'],
    ['redirect_refused', 'tls', 'answer'],
  ])('for %s after %s is %s', (code, passed, item) => expect(failedLine(failing({ code }, passed))?.item).toBe(item))

  it.each<[FailureCode, string]>([
    ['port_refused', 'Use port 443 or 8443.'],
    ['certificate_name_mismatch', "Serve a certificate for the URL's host."],
    ['tls_handshake_failed', 'Enable TLS 1.2 or 1.3 at the endpoint.'],
    ['dialler_died', "Check the endpoint's answer."],
    ['redirect_refused', 'Register the URL that answers without a redirect.'],
  ])('for %s has a fix for endpoints', (code, fix) => expect(failedLine(failing({ code }, 'connect'))?.fix).toBe(fix))

  it('has the HTTP status, unless it is none or 200', () => {
    const found = (status: number | null) => failedLine(failing({ code: 'endpoint_status' }, 'tls', { status }))?.actual
    expect([found(null), found(200), found(404)]).toEqual([
      'an answer other than 200',
      'an answer other than 200',
      'an answer other than 200 (HTTP 404)',
    ])
  })

  it('is the fault of the endpoint if its answer ended the dialling process', () => {
    const verdict = judge(failing({ code: 'dialler_died' }, 'tls'))
    expect(verdict).toMatchObject({ outcome: 'unreachable', reason: 'endpoint_unavailable', retryable: true })
  })
})

describe('A clock that is off', () => {
  const REGISTERED =
    'Check that the endpoint holds the signing key that is registered here, and checks the exact body bytes.'
  const NTP = "Synchronize the endpoint's clock with NTP: at most 300 s of difference are allowed."
  it.each<[FailureCode, number | null, string]>([
    ['endpoint_clock', 7, "Set the endpoint's clock: it is 7 s ahead of Mooring's, and 300 s are allowed."],
    ['endpoint_clock', -900, "Set the endpoint's clock: it is 900 s behind Mooring's, and 300 s are allowed."],
    ['endpoint_clock', 0, NTP],
    ['endpoint_clock', null, NTP],
    ['signature_refused', 301, "Set the endpoint's clock: it is 301 s ahead of Mooring's, and 300 s are allowed."],
    ['signature_refused', -301, "Set the endpoint's clock: it is 301 s behind Mooring's, and 300 s are allowed."],
    ['signature_refused', 300, REGISTERED],
    ['signature_refused', -300, REGISTERED],
    ['signature_refused', null, REGISTERED],
    ['endpoint_status', 900, 'Check the path, and that the endpoint answers POST requests of type "events" with 200.'],
  ])('explains %s at %j s', (code, clockOffsetSeconds, fix) => {
    expect(failedLine(failing({ code }, 'tls', { status: 401, clockOffsetSeconds }))?.fix).toBe(fix)
  })
})

describe('A request with a wrong signature', () => {
  const advice = (forged: EndpointAnswer) => judge(GOOD_ANSWER, forged).advisories
  const refused = (status: number, code: FailureCode = 'signature_refused') => failing({ code }, 'tls', { status })
  const UNSIGNED = 'The endpoint accepts unsigned requests: it must answer 401 if webhook-signature is wrong.'
  const UNKNOWN = 'Mooring could not tell whether the endpoint checks signatures: it must answer 401 to a wrong one.'

  it.each<[string, EndpointAnswer, string | null]>([
    ['200', GOOD_ANSWER, UNSIGNED],
    ['299', refused(299, 'endpoint_status'), UNSIGNED],
    ['199', refused(199, 'endpoint_status'), UNKNOWN],
    ['300', refused(300, 'redirect_refused'), UNKNOWN],
    ['399', refused(399, 'endpoint_status'), UNKNOWN],
    ['400', refused(400, 'endpoint_status'), null],
    ['401', refused(401), null],
    ['429', refused(429, 'endpoint_failing'), UNKNOWN],
    ['503', refused(503, 'endpoint_failing'), UNKNOWN],
    ['a status of 401 without a failure', { ...GOOD_ANSWER, status: 401 }, UNKNOWN],
    ['silence', failing({ code: 'connection_timeout' }, 'tls'), UNKNOWN],
  ])('that is answered with %s', (_, forged, recommendation) => {
    expect(advice(forged)).toEqual(recommendation === null ? [] : [{ item: 'signature', recommendation }])
  })
})

describe('The overlap of a rotation', () => {
  const at = (startedAtMs: number, nowMs: number) => ({ startedAtMs, nowMs, windowMs: 1_000 })

  it('ends with its window', () => {
    expect([isOverlapOver(at(5_000, 5_999)), isOverlapOver(at(5_000, 6_000))]).toEqual([false, true])
  })

  it('has not begun for a clock that is five minutes ahead, and is over for one that is further', () => {
    expect([isOverlapOver(at(305_000, 5_000)), isOverlapOver(at(305_001, 5_000))]).toEqual([false, true])
  })

  it.each<[string, EndpointAnswer, readonly ReturnType<typeof verifyRotation>[]]>([
    ['accepted', GOOD_ANSWER, ['retire_old', 'retire_old']],
    ['refused', failing({ code: 'signature_refused' }, 'tls', { status: 401 }), ['wait', 'destroy_new']],
    ['answered by silence', failing({ code: 'connection_timeout' }, 'connect'), ['wait', 'destroy_new']],
    ['not tried, for the budget', failing({ code: 'budget_exhausted' }, 'resolve'), ['wait', 'wait']],
    ['not tried, for want of a process', failing({ code: 'dialler_busy' }, null), ['wait', 'wait']],
  ])('decides about a new key that is %s, during the window and after it', (_, answer, wanted) => {
    expect([5_500, 6_500].map(nowMs => verifyRotation(answer, at(5_000, nowMs)))).toEqual(wanted)
  })
})
