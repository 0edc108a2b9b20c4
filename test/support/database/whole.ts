/**
 * The parts of long tests that `npm test` leaves out so that it ends soon, and `npm run test:whole` runs: every major version of
 * PostgreSQL instead of the oldest, Debian's and the newest, and large numbers. Only what a smaller part shows as well may be here.
 */
import { installedMajors, type Major } from '#test/support/database/postgres.ts'

const isWhole = process.env['MOORING_TEST_WHOLE'] === 'true'

/** The oldest one supported, the one that Debian 12 brings, and the newest. */
const USUAL: ReadonlySet<Major> = new Set([13, 15, 18])

/** The versions of PostgreSQL on which a table of cases is tried. */
export function triedMajors(): readonly Major[] {
  return installedMajors().filter(major => isWhole || USUAL.has(major))
}

/** How many of something are made: `whole` of them by `npm run test:whole`, `usual` otherwise. */
export function howMany({ usual, whole }: { usual: number; whole: number }): number {
  return isWhole ? whole : usual
}
