/**
 * fast-check as every property test uses it: 100 runs at a desk, 1,000 in CI. A failure prints its seed and the path to
 * the smallest failing value, which `fc.assert(…, { seed, path })` repeats.
 */
import fc from 'fast-check'

fc.configureGlobal({ numRuns: process.env['CI'] === 'true' ? 1_000 : 100 })

export { fc }
