/**
 * fast-check as every property test uses it: 100 runs of a new seed at a desk, 1,000 of the same seed in CI, whose
 * verdict depends on the commit alone. A failure prints its seed and the path to the smallest failing value, which
 * `fc.assert(…, { seed, path })` repeats.
 */
import fc from 'fast-check'

fc.configureGlobal(process.env['CI'] === 'true' ? { numRuns: 1_000, seed: 20_261_201 } : { numRuns: 100 })

export { fc }
