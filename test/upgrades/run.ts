/**
 * `npm run test:upgrades`: checks that a schema shows no drift except in formatting after each version's own `pg_dump`
 * has dumped and restored it, and after `pg_upgrade` has moved it to a newer version. The programs come from Debian's
 * archive. Exit status 1 for other drift; a message says which version the archive lacks.
 *
 * npm run -s test:upgrades [-- WORDS …]
 *
 * With words, it runs those whose titles contain all of them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Missing, type Programs, programsOf, type Suite } from './archive.ts'
import { type Outcome, restoredByItself } from './dumped.ts'
import { upgraded } from './upgraded.ts'

const OF_13: Suite = {
  name: 'bullseye',
  major: 13,
  packages: ['postgresql-13', 'postgresql-client-13', 'libicu67', 'libssl1.1', 'libldap-2.4-2'],
  ownLibraries: false,
}
const OF_17: Suite = { name: 'trixie', major: 17, packages: ['postgresql-client-17'], ownLibraries: true }
const OF_18: Suite = { name: 'forky', major: 18, packages: ['postgresql-client-18'], ownLibraries: true }

type Test = (programs: Programs, folder: string) => Promise<Outcome[]>

const TESTS: readonly (readonly [title: string, suite: Suite, test: Test])[] = [
  ['pg_dump 13, restored on 13', OF_13, restoredByItself],
  ['pg_dump 17, restored on 17', OF_17, restoredByItself],
  ['pg_dump 18, restored on 18', OF_18, restoredByItself],
  ['pg_upgrade from 13 to 15', OF_13, upgraded],
]

const say = (text: string) => void process.stdout.write(`${text}\n`)

/** Runs one of the tests; returns true unless there was drift. */
async function attempt(
  title: string,
  suite: Suite,
  test: (programs: Programs) => Promise<Outcome[]>,
): Promise<boolean> {
  let programs: Programs
  try {
    programs = await programsOf(suite)
  } catch (error) {
    if (!(error instanceof Missing)) throw error
    say(`${title}: not done. ${error.message}`)
    return true
  }
  const outcomes = await test(programs)
  const bad = outcomes.filter(({ others }) => others.length > 0)
  const spelled = outcomes.reduce((sum, outcome) => sum + outcome.spelled, 0)
  say(`${title}: ${outcomes.length} schemas, ${bad.length} with drift, ${spelled} spelled otherwise`)
  for (const { file, others } of bad) for (const other of others) say(`  ! ${file}: ${other}`)
  return bad.length === 0 && outcomes.length > 0
}

const folder = await mkdtemp(join(tmpdir(), 'mooring-upgrades-'))
// A single folder for all files, so that an aborted run leaves nothing behind.
process.env['TMPDIR'] = folder
try {
  const words = process.argv.slice(2)
  for (const [title, suite, test] of TESTS) {
    if (!words.every(word => title.includes(word))) continue
    if (!(await attempt(title, suite, programs => test(programs, folder)))) process.exitCode = 1
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
