/**
 * The rows of the failure table for signed endpoints: the failures after the TLS session is established.
 *
 * They are part of `FAILURES` in `failure.ts`, which checks their shape; other code reads them only from there.
 */

const strange = { stage: 'protocol', fault: 'endpoint_misbehaved', retryable: false } as const

/** Failures of a signed request. None contains text from the remote side. */
export const ENDPOINT_FAILURES = {
  endpoint_url_refused: {
    stage: 'parse',
    fault: 'invalid_body',
    retryable: false,
    observed: 'not a valid endpoint URL',
    fix: 'Register it again with an https URL on a public host, without user name, password or fragment.',
  },
  cleartext_refused: {
    stage: 'tls',
    fault: 'tls_failed',
    retryable: false,
    observed: 'http without TLS',
    fix: 'Register an https URL; http is accepted only in a network that this installation has opened.',
  },
  signature_refused: {
    stage: 'authenticate',
    fault: 'signature_refused',
    retryable: false,
    observed: 'the signature was rejected',
    fix: 'Check that the endpoint holds the signing key that is registered here, and checks the exact body bytes.',
  },
  endpoint_clock: {
    stage: 'authenticate',
    fault: 'endpoint_clock_off',
    retryable: false,
    observed: 'the timestamp of our signature was rejected',
    fix: "Synchronize the endpoint's clock with NTP: at most 300 s of difference are allowed.",
  },
  endpoint_key_differs: {
    stage: 'authenticate',
    fault: 'signature_refused',
    retryable: false,
    observed: 'the endpoint found the signature invalid',
    fix: 'Give the endpoint the whole signing key that is registered here, including its prefix, or register its own key: rotate_key.',
  },
  endpoint_keyless: {
    stage: 'authenticate',
    fault: 'endpoint_key_missing',
    retryable: false,
    observed: 'the endpoint has no key to verify a signature',
    fix: 'Set the signing key in the configuration of the endpoint; then verify again.',
  },
  redirect_refused: {
    ...strange,
    observed: 'a redirect, which is never followed',
    fix: 'Register the URL that answers without a redirect.',
  },
  endpoint_failing: {
    stage: 'protocol',
    fault: 'endpoint_unavailable',
    retryable: true,
    observed: 'an answer that asks for a retry later',
    fix: "Check the endpoint's own log; it is retried automatically.",
  },
  endpoint_status: {
    ...strange,
    observed: 'an answer other than 200',
    fix: 'Check the path, and that the endpoint answers POST requests of type "events" with 200.',
  },
  endpoint_answer: {
    ...strange,
    observed: 'an answer that the endpoint protocol does not allow',
    fix: 'Answer with a JSON object that has an "events" array and, optionally, a string "nextCursor".',
  },
  endpoint_compressed: {
    ...strange,
    observed: 'a compressed answer',
    fix: 'Answer without compression, as "accept-encoding: identity" asks.',
  },
  endpoint_too_large: {
    ...strange,
    observed: 'an answer that is too large',
    fix: 'Return fewer events at a time; "limit" is the requested number.',
  },
} as const
