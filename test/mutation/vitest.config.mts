/**
 * The tests that `npm run mutation` repeats for each mutant: those of the unit project that test the product, in
 * processes that start no others. Tests of the house only read files, which no mutant changes, so they are left out.
 */
import { defineConfig } from 'vitest/config'
import { unit } from '../../vitest.config.ts'

/** Tests of the repository rather than of the product's behaviour. */
const OF_FILES = ['test/house/', 'test/regression/npm-ci']

export default defineConfig({
  test: {
    include: unit.filter(file => !OF_FILES.some(start => file.startsWith(start))),
    pool: 'forks',
    isolate: false,
    testTimeout: 120_000,
    setupFiles: ['test/support/house/unit-setup.ts'],
  },
})
