/**
 * The progress of a dial: kept for its result, and reported to a listener at each stage that the dial passes.
 *
 * Runs in a dialling process; created by `with-session.ts`.
 */
import type { Probe } from '#server/domain/checks/probe.ts'
import type { Stage } from '#shared/faults/failure.ts'

/** The progress of a dial, updated along the way, so that a failure still reports what was found before it. */
export type DialProgress = {
  -readonly [K in 'passed' | 'addresses' | 'address' | 'openNetwork' | 'tls' | 'channelBound']: Probe[K]
} & { passwordSent?: Probe['passwordSent']; channelBindingOffered?: Probe['channelBindingOffered'] }

/**
 * The progress of a dial that has not begun. `onPassed` is called with each stage that is set, which may be an earlier
 * one.
 */
export function createProgress(onPassed: (stage: Stage) => void = () => undefined): DialProgress {
  let passed: DialProgress['passed'] = null
  return {
    get passed() {
      return passed
    },
    set passed(stage) {
      passed = stage
      if (stage !== null) onPassed(stage)
    },
    addresses: [],
    address: null,
    openNetwork: false,
    tls: null,
    channelBound: false,
    passwordSent: null,
  }
}
