/**
 * Rows measured by benchmarks with commands of their own. Each runs in its own process, so that its servers, snapshots
 * and compiled code are gone before the next row.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Result, Row } from './row.ts'

async function run(file: string, args: readonly string[]): Promise<readonly Result[]> {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const child = spawn(process.execPath, [path, '--json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', chunk => {
    text += String(chunk)
  })
  const [status] = await once(child, 'close')
  const line = text.split('\n').find(one => one.startsWith('['))
  if (status !== 0 || line === undefined) throw new Error(`${file} ended with ${String(status)}: ${text}`)
  return JSON.parse(line)
}

const row = (name: string, file: string, ...args: readonly string[]): Row => ({
  name,
  measure: () => run(file, args),
})

/** The rows, in the order of the table. */
export const COMMAND_ROWS: readonly Row[] = [
  row('check', 'verify.ts'),
  row('introspection', 'schemas/catalog.ts'),
  row('drift', 'schemas/drift.ts'),
  row('feed', 'feed.ts'),
  row('reseal', 'reseal.ts', '10000'),
]
