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
    observed: 'not an acceptable endpoint URL',
    fix: 'Register it again with an https URL of a public host, without user name, password or fragment.',
  },
  cleartext_refused: {
    stage: 'tls',
    fault: 'tls_failed',
    retryable: false,
    observed: 'http without TLS',
    fix: 'Register an https URL; http passes only inside a network that this installation has opened.',
  },
  signature_refused: {
    stage: 'authenticate',
    fault: 'signature_refused',
    retryable: false,
    observed: 'the signature was refused',
    fix: 'Check that the endpoint holds the signing key that is registered here, and checks the exact body bytes.',
  },
  endpoint_clock: {
    stage: 'authenticate',
    fault: 'endpoint_clock_off',
    retryable: false,
    observed: 'the time of our signature was refused',
    fix: "Set the endpoint's clock by NTP: it allows 300 s of difference.",
  },
  endpoint_key_differs: {
    stage: 'authenticate',
    fault: 'signature_refused',
    retryable: false,
    observed: 'the signature was found to be wrong',
    fix: 'Give the endpoint the signing key that is registered here, whole and with its prefix, or register its own: rotate_key.',
  },
  endpoint_keyless: {
    stage: 'authenticate',
    fault: 'endpoint_key_missing',
    retryable: false,
    observed: 'the endpoint holds no key to check a signature with',
    fix: 'Set the signing key in the configuration of the endpoint; then verify again.',
  },
  redirect_refused: {
    ...strange,
    observed: 'a redirect, which is never followed',
    fix: 'Register the URL that answers by itself.',
  },
  endpoint_failing: {
    stage: 'protocol',
    fault: 'endpoint_unavailable',
    retryable: true,
    observed: 'an answer that asks to come back later',
    fix: "Look at the endpoint's own log; it is tried again.",
  },
  endpoint_status: {
    ...strange,
    observed: 'an answer other than 200',
    fix: 'Check the path, and that the endpoint answers POST requests of type "events" with 200.',
  },
  endpoint_answer: {
    ...strange,
    observed: 'an answer that the endpoint protocol does not know',
    fix: 'Answer with a JSON object that has an "events" array and a string "nextCursor" or none.',
  },
  endpoint_compressed: {
    ...strange,
    observed: 'a compressed answer',
    fix: 'Answer without compression, as "accept-encoding: identity" asks.',
  },
  endpoint_too_large: {
    ...strange,
    observed: 'an answer larger than is taken',
    fix: 'Answer fewer events at a time; "limit" says how many are wanted.',
  },
} as const
