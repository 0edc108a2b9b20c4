/**
 * Prints the results of a benchmark that has its own command: as lines for the terminal, or with `--json` as one line
 * that `npm run bench` puts into its table.
 */
import { argv, stdout } from 'node:process'
import { lineOf } from '#test/bench/table/report.ts'
import type { Result } from '#test/bench/table/row.ts'

/** Prints results. */
export function printResults(results: readonly Result[]): void {
  if (argv.includes('--json')) stdout.write(`${JSON.stringify(results)}\n`)
  else for (const result of results) stdout.write(`${lineOf(result)}\n`)
}
