/**
 * `npm run bench`: compares Mooring with limits measured in the same run, so that the ratios hold on any machine. Any
 * error fails its line. Writes `test/bench/results.json` and `docs/benchmarks.md`, unless the run is partial or
 * shortened.
 *
 * `--rows read,trpc` selects lines by the beginning of their names; `--rounds`, `--seconds` and `--warm-up` shorten
 * them; `--checkout` runs the checkout instead of the built package; `--profile FOLDER` writes a CPU profile of the web
 * tier; `--write` writes the files in any case.
 */
import { parseArgs } from 'node:util'
import { errorMessage } from '#shared/base/error-text.ts'
import { AWAITED_ROW } from '#test/bench/support/awaited-row.ts'
import { CHECK_ROW } from '#test/bench/table/checks.ts'
import { COMMAND_ROWS } from '#test/bench/table/commands.ts'
import { MEMORY_ROWS } from '#test/bench/table/memory/memory.ts'
import { lineOf, report } from '#test/bench/table/report.ts'
import { REQUEST_ROWS } from '#test/bench/table/requests.ts'
import type { Result, Row } from '#test/bench/table/row.ts'
import { startSite } from '#test/bench/table/site.ts'

const ROWS: readonly Row[] = [...REQUEST_ROWS, CHECK_ROW, AWAITED_ROW, ...COMMAND_ROWS, ...MEMORY_ROWS]
const EXTENT = { rounds: 5, seconds: 3, warmUp: 3_000 }

const { values } = parseArgs({
  options: {
    rows: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    checkout: { type: 'boolean', default: false },
    profile: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
})
const extent = {
  rounds: Number(values.rounds ?? EXTENT.rounds),
  seconds: Number(values.seconds ?? EXTENT.seconds),
  warmUp: Number(values['warm-up'] ?? EXTENT.warmUp),
}
const names = values.rows?.split(',')
const chosen = ROWS.filter(({ name }) => names === undefined || names.some(one => name.startsWith(one)))
if (chosen.length === 0) throw new Error(`no row of this name: ${ROWS.map(({ name }) => name).join(', ')}`)
const isWhole = Object.entries(extent).every(([name, value]) => value >= EXTENT[name as keyof typeof EXTENT]) // its keys

await using cleanup = new AsyncDisposableStack()
const flags = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`]
const site = await startSite(cleanup, { fromCheckout: values.checkout, flags })
const results: Result[] = []
for (const row of chosen) {
  const measured = await row.measure(site, extent).catch((error: unknown) => {
    // The other rows are still measured, because a whole run takes a quarter of an hour.
    process.stdout.write(`FAILED  ${row.name}: ${errorMessage(error)}\n`)
    process.exitCode = 1
    return []
  })
  for (const result of measured) process.stdout.write(`${lineOf(result)}\n`)
  results.push(...measured)
}
if (values.write || (isWhole && !values.checkout && values.profile === undefined)) await report(results)
