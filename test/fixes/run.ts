/**
 * `npm run test:fixes`: applies one misconfiguration after the other to a real server, registers it with Mooring,
 * follows the printed fix, and registers again. Writes `docs/fixes.md`. Exit status 1 if a cause is not named, too few
 * datasources become active, somebody else loses access, or, under CI, the file is not current.
 *
 * npm run -s test:fixes [-- WORDS …]
 *
 * With words, it runs only the rows whose titles contain all of them, and writes nothing.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CATALOGUE } from './catalogue.ts'
import { fixesDocument, HEAD, type Outcome, rowOf } from './document.ts'
import { makeScene } from './scene.ts'
import { tryFix } from './try.ts'

const DOCUMENT = new URL('../../docs/fixes.md', import.meta.url)
const say = (text: string) => void process.stdout.write(`${text}\n`)

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const words = process.argv.slice(2)
  const chosen = CATALOGUE.map((misconfiguration, at) => ({ of: misconfiguration, number: at + 1 })).filter(({ of }) =>
    words.every(word => of.title.includes(word)),
  )
  const scene = await makeScene(cleanup)
  say(HEAD)
  const outcomes: Outcome[] = []
  for (const { of, number } of chosen) {
    const outcome = await tryFix(scene, of, number)
    outcomes.push(outcome)
    say(rowOf(outcome, number))
    for (const wrong of outcome.wrong) say(`  ! ${wrong}`)
  }
  const bad = outcomes.filter(({ wrong }) => wrong.length > 0).length
  say(`\n${outcomes.length - bad} good, ${bad} bad.`)
  if (bad > 0) return 1
  return words.length > 0 ? 0 : documented(fixesDocument(outcomes))
}

async function documented(text: string): Promise<number> {
  const former = await readFile(DOCUMENT, 'utf8').catch(() => '')
  if (former === text) return 0
  if (process.env['CI'] === 'true') {
    say('docs/fixes.md is not current: run npm run test:fixes and commit it.')
    return 1
  }
  await writeFile(DOCUMENT, text)
  say('docs/fixes.md was written.')
  return 0
}

const cleanup = new AsyncDisposableStack()
// A single folder for all files, so that an aborted setup leaves nothing behind.
const folder = await mkdtemp(join(tmpdir(), 'mooring-fixes-'))
process.env['TMPDIR'] = folder
const leave = async (status: number) => {
  await cleanup.disposeAsync().catch((error: unknown) => say(String(error)))
  await rm(folder, { recursive: true, force: true })
  process.exit(status)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void leave(130))
try {
  await leave(await main(cleanup))
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
  await leave(1)
}
