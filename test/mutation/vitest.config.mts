/**
 * The tests that `npm run mutation` repeats for each mutant: those of the unit project that test the product, in processes that
 * start no other. Tests of the house read files, which no mutant changes: they are left out.
 */
import { defineConfig } from 'vitest/config'
import { unit } from '../../vitest.config.ts'

/** What looks at the repository and not at what the product does. */
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
