/**
 * Writes the results: `test/bench/results.json`, and the part
 * of `docs/benchmarks.md` that is generated from it.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { isReached, type Result } from './row.ts'

const RESULTS = new URL('../results.json', import.meta.url)
const DOCUMENT = new URL('../../../docs/benchmarks.md', import.meta.url)
const [BEGIN, END] = ['<!-- results -->', '<!-- /results -->']

/** Formats a line for the terminal. */
export function lineOf(result: Result): string {
  const { work, ours, limit, ratio, target, atMost, unit } = result
  const order = `${atMost === true ? '≤' : '≥'} ${target}`
  const figures = [number(ours), limit === null ? '–' : number(limit), unit, `ratio ${ratio.toFixed(2)}`, order]
  const cpu = result.cpu === undefined ? '' : ` · CPU ${cpuOf(result)}`
  return `${isReached(result) ? 'reached' : 'MISSED '} ${work}: ${figures.join(' · ')}${cpu}`
}

/** Replaces the lines for the same work, and writes both files. */
export async function report(results: readonly Result[]): Promise<void> {
  const former = await readResults()
  const isNew = (work: string) => results.some(one => one.work === work)
  const all = [...former.filter(({ work }) => !isNew(work)), ...results]
  await writeFile(RESULTS, `[\n${all.map(one => `  ${JSON.stringify(rounded(one))}`).join(',\n')}\n]\n`)
  await writeFile(DOCUMENT, withResults(await readFile(DOCUMENT, 'utf8'), await readResults()))
}

/** Reads the results that were written last. */
export async function readResults(): Promise<readonly Result[]> {
  return JSON.parse(await readFile(RESULTS, 'utf8'))
}

/** Returns the document with a table of these results. */
export function withResults(document: string, results: readonly Result[]): string {
  const [before, rest = ''] = document.split(BEGIN)
  const after = rest.split(END)[1]
  if (after === undefined) throw new Error('docs/benchmarks.md has no place for the table')
  return `${before}${BEGIN}\n\n${tableOf(results)}\n\n${END}${after}`
}

function tableOf(results: readonly Result[]): string {
  if (results.length === 0) return 'Not measured yet.'
  const rows = results.map(result => {
    const { work, ours, limit, unit, ratio, target, atMost } = result
    const reached = `${ratio.toFixed(2)}${isReached(result) ? '' : ' (missed)'}`
    const cells = [work, `${number(ours)} ${unit}`, limit === null ? '–' : number(limit), reached]
    return [...cells, `${atMost === true ? '≤' : '≥'} ${target}`, result.cpu === undefined ? '–' : cpuOf(result)]
  })
  const head = ['work', 'Mooring', 'limit', 'ratio', 'target', 'CPU of a request, node/PostgreSQL, µs: Mooring, limit']
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function cpuOf({ cpu }: Result): string {
  if (cpu === undefined) return ''
  return [cpu.ours, cpu.limit].map(one => `${one.node.toFixed(0)}/${one.postgres.toFixed(0)}`).join(', ')
}

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

/** Rounds figures to their actual precision. */
function rounded(result: Result): Result {
  return JSON.parse(
    JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value)),
  )
}
