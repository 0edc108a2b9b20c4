/**
 * Decides which parts of long tests run: `npm test` uses the oldest, Debian's and the newest PostgreSQL and small
 * numbers, `npm run test:whole` every major version and large numbers. Use it only if the smaller part tests the same
 * thing.
 */
import { installedMajors, type Major } from '#test/support/database/postgres.ts'

const isWhole = process.env['MOORING_TEST_WHOLE'] === 'true'

/** The oldest supported version, the one of Debian 12, and the newest. */
const USUAL: ReadonlySet<Major> = new Set([13, 15, 18])

/** Returns the PostgreSQL versions on which a table of cases is tested. */
export function triedMajors(): readonly Major[] {
  return installedMajors().filter(major => isWhole || USUAL.has(major))
}

/** Returns the number of items to create: `whole` under `npm run test:whole`, otherwise `usual`. */
export function howMany({ usual, whole }: { usual: number; whole: number }): number {
  return isWhole ? whole : usual
}
