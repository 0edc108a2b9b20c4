/**
 * `npm run mutation`: changes the product in small ways, one at a time, and shows each change that no unit test notices. It ends with
 * status 1 where the tests notice less than 80 % of a folder's. Results of unchanged files and tests are kept in `node_modules/.cache`.
 *
 *     npm run -s mutation                 files that differ from the main branch, or from the last commit
 *     npm run -s mutation -- PATH …       files or folders
 *     npm run -s mutation -- --all        everything that is measured
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Decisions without I/O, the vocabulary and the seals: the code that unit tests can judge on their own. */
const MEASURED = ['server/domain', 'server/seal', 'shared']
const WANTED = 80
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STRYKER = 'node_modules/@stryker-mutator/core/bin/stryker.js'

interface Mutant {
  readonly status: 'Killed' | 'Timeout' | 'Survived' | 'NoCoverage' | 'RuntimeError' | 'CompileError' | 'Ignored'
  readonly location: { readonly start: { readonly line: number } }
  readonly mutatorName: string
  readonly replacement?: string
  /** True if the code runs while its file is loaded. */
  readonly static?: boolean
}
type Report = Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>

const say = (text: string) => void process.stdout.write(`${text}\n`)
const git = (...args: string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
const isMeasured = (path: string) => path.endsWith('.ts') && MEASURED.some(folder => path.startsWith(`${folder}/`))

/**
 * Returns the files that differ from the point where this branch left the main one; on the main branch itself, the
 * uncommitted files.
 */
function changedFiles(): string[] {
  const branches = git('branch', '--all', '--format=%(refname:short)').split('\n')
  const main = ['origin/main', 'main'].find(branch => branches.includes(branch))
  const base = main === undefined ? 'HEAD' : git('merge-base', 'HEAD', main)
  const changed = git('diff', '--name-only', '--diff-filter=d', base)
  const added = git('ls-files', '--others', '--exclude-standard')
  return `${changed}\n${added}`.split('\n').filter(isMeasured)
}

function patternOf(path: string): string {
  const isFolder = statSync(`${ROOT}${path}`, { throwIfNoEntry: false })?.isDirectory() === true
  return isFolder ? `${path.replace(/\/$/, '')}/**/*.ts` : path
}

/** Prints the surviving mutants of the selected files, and the score of each folder of `MEASURED`. */
function tell(report: Report, isAsked: (path: string) => boolean): boolean {
  const folders = new Map(MEASURED.map(folder => [folder, { killed: 0, all: 0 }]))
  for (const [path, { source, mutants }] of Object.entries(report).filter(([name]) => isAsked(name))) {
    const score = folders.get(MEASURED.find(folder => path.startsWith(`${folder}/`)) ?? '')
    // A constant that no test loaded at first is kept as untested in the results, though constants are left out.
    for (const mutant of mutants.filter(one => one.status !== 'NoCoverage' || one.static !== true)) {
      const isKilled = mutant.status === 'Killed' || mutant.status === 'Timeout'
      const isAlive = mutant.status === 'Survived' || mutant.status === 'NoCoverage'
      if (score !== undefined && (isKilled || isAlive)) score.all += 1
      if (score !== undefined && isKilled) score.killed += 1
      if (isAlive) say(lineOf(path, source, mutant))
    }
  }
  let isGood = true
  for (const [folder, { killed, all }] of folders) {
    if (all === 0) continue
    const score = (100 * killed) / all
    say(`${folder}: ${killed} of ${all} mutants noticed, ${score.toFixed(1)} %`)
    isGood &&= score >= WANTED
  }
  return isGood
}

function lineOf(path: string, source: string, { location, mutatorName, replacement = '', status }: Mutant): string {
  const { line } = location.start
  const text = source.split('\n')[line - 1]?.trim() ?? ''
  const untested = status === 'NoCoverage' ? ' (no test runs it)' : ''
  return `${path}:${line} ${mutatorName}${untested}: ${text}\n    → ${replacement.replaceAll(/\s+/g, ' ').slice(0, 100)}`
}

function main(args: readonly string[]): number {
  const paths = args.includes('--all') ? MEASURED : args.length > 0 ? args : changedFiles()
  if (paths.length === 0) {
    say(`No file of ${MEASURED.join(', ')} differs from the main branch.`)
    return 0
  }
  const mutate = paths.map(patternOf).join(',')
  const options = { cwd: ROOT, stdio: 'inherit' } as const
  const { status } = spawnSync(
    process.execPath,
    [STRYKER, 'run', 'test/mutation/stryker.json', '--mutate', mutate],
    options,
  )
  if (status !== 0) return status ?? 1
  const report = JSON.parse(readFileSync(`${ROOT}node_modules/.cache/mutation-report.json`, 'utf8'))
  return tell(report.files, path =>
    paths.some(asked => path === asked || path.startsWith(`${asked.replace(/\/$/, '')}/`)),
  )
    ? 0
    : 1
}

process.exit(main(process.argv.slice(2)))
