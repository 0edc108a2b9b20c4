/**
 * The answer of an endpoint that passes every check: decisions about answers are tested with copies of it that differ in
 * what the test names.
 */
import type { EndpointAnswer } from '#server/domain/feeds/endpoint.ts'

/** Over verified TLS, with an empty page. */
export const GOOD_ANSWER: EndpointAnswer = {
  status: 200,
  retryAfterSeconds: null,
  page: { events: [], nextCursor: null },
  failure: null,
  passed: 'protocol',
  addresses: ['52.95.110.1'],
  tls: { protocol: 'TLSv1.3', verified: true },
  clockOffsetSeconds: 0,
  tookMs: 5,
}
