/**
 * The product files and functions that a call enters: V8's precise coverage around it. Several runs are compared, so
 * that timers that happen to fire meanwhile do not count.
 */
import { Session } from 'node:inspector/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file of the product, relative to the project, and its entered functions, in their order in the file. */
export interface Entered {
  readonly file: string
  readonly functions: readonly string[]
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const RUNS = 5

/** Warms `run` up, then returns what every one of several further runs enters. Files are sorted by name. */
export async function trace(run: () => Promise<unknown>): Promise<Entered[]> {
  for (let at = 0; at < RUNS; at += 1) await run()
  using session = open()
  await session.profiler.post('Profiler.enable')
  await session.profiler.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const runs: Set<string>[] = []
  for (let at = 0; at < RUNS; at += 1) {
    await session.profiler.post('Profiler.takePreciseCoverage')
    await run()
    runs.push(enteredIn((await session.profiler.post('Profiler.takePreciseCoverage')).result))
  }
  const [first = new Set<string>(), ...others] = runs
  return byFile([...first].filter(one => others.every(run => run.has(one))))
}

function open() {
  const profiler = new Session()
  profiler.connect()
  return { profiler, [Symbol.dispose]: () => profiler.disconnect() }
}

interface Script {
  readonly url: string
  readonly functions: readonly {
    readonly functionName: string
    readonly ranges: readonly { readonly startOffset: number; readonly count: number }[]
  }[]
}

/** `file`, offset and name of each entered function of the product. */
function enteredIn(scripts: readonly Script[]): Set<string> {
  const entered = scripts.flatMap(({ url, functions }) => {
    const file = url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : ''
    if (!/^(?:server|shared)\//.test(file)) return []
    return functions.flatMap(({ functionName, ranges: [whole] }) =>
      whole === undefined || whole.count === 0 ? [] : [JSON.stringify([file, whole.startOffset, functionName])],
    )
  })
  return new Set(entered)
}

function byFile(entered: readonly string[]): Entered[] {
  const rows = entered.map(text => JSON.parse(text) as [string, number, string]) // as `enteredIn` wrote them
  const files = [...new Set(rows.map(([file]) => file))].sort()
  return files.map(file => {
    const inFile = rows.filter(row => row[0] === file).sort((one, other) => one[1] - other[1])
    return { file, functions: inFile.map(([, offset, name]) => (name === '' ? `(anonymous at ${offset})` : name)) }
  })
}
