/**
 * Mooring's entries as separate processes, as an operator runs them: started, read, signalled, awaited. Each is killed
 * at the end of its test, whatever happened.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { COMPILED } from './compiled.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** A process under test. */
export interface Running {
  readonly child: ChildProcess
  /** Lines of standard output so far. */
  readonly out: string[]
  /** Standard error so far. */
  err(): string
  /**
   * The first matching line of standard output, past or to come, or the `nth`. Rejects when the process ends without
   * it.
   */
  line(pattern: RegExp, nth?: number): Promise<RegExpExecArray>
  /** The exit status; null when a signal ended it. */
  readonly ended: Promise<number | null>
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** The part of this process's environment that a child may see: nothing that could configure it. */
function environment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  // Several of them run at once on this machine.
  return formerEnvironment({ MOORING_HEALTH_PORT: 'off', ...env })
}

/** The environment for a release that does not know `off`. */
function formerEnvironment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  // A test has no balancer that would have to stop sending requests first.
  const drain = { MOORING_DRAIN_SECONDS: '0' }
  return { PATH, HOME, ...COMPILED, ...drain, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env }
}

/** Starts an entry: `web`, `worker`, `main`, or `cli` with its arguments. */
export function startEntry(
  entry: 'web' | 'worker' | 'main' | 'cli',
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Running {
  return watch(
    spawn(process.execPath, ['--disable-sigusr1', `server/${entry}.ts`, ...args], { cwd: ROOT, env: environment(env) }),
  )
}

/** Starts the entry of the local mode with a prefix of words such as `setpriv …`, which start a program themselves. */
export function startMainBehind(words: readonly [string, ...string[]], env: Readonly<Record<string, string>>): Running {
  const [program, ...rest] = words
  const args = [...rest, process.execPath, '--disable-sigusr1', 'server/main.ts']
  return watch(spawn(program, args, { cwd: ROOT, env: environment(env) }))
}

/** Starts an entry of another checkout. */
export function startEntryAt(
  root: string,
  entry: 'web' | 'worker' | 'main',
  env: Readonly<Record<string, string>>,
): Running {
  return watch(
    spawn(process.execPath, ['--disable-sigusr1', join(root, `server/${entry}.ts`)], {
      cwd: root,
      env: environment(env),
    }),
  )
}

/** Starts an entry of another checkout, such as that of the previous release. */
export function startEntryOf(
  root: string,
  entry: 'web' | 'worker' | 'main' | 'cli',
  { args, env }: { env: Readonly<Record<string, string>>; args?: readonly string[] },
): Running {
  const child = spawn(process.execPath, [`server/${entry}.ts`, ...(args ?? [])], {
    cwd: root,
    env: formerEnvironment(env),
  })
  return watch(child)
}

/** Starts a script of package.json through npm. */
export function startScript(env: Readonly<Record<string, string>>, ...args: readonly string[]): Running {
  return watch(spawn('npm', [...args], { cwd: ROOT, env: environment(env) }))
}

function watch(child: ChildProcess): Running {
  const out: string[] = []
  const errors: string[] = []
  const waiting = new Set<() => void>()
  const report = () => {
    for (const wake of waiting) wake()
  }
  if (child.stdout === null || child.stderr === null) throw new Error('the process has no output')
  createInterface(child.stdout).on('line', line => {
    out.push(line)
    report()
  })
  child.stderr.on('data', chunk => errors.push(String(chunk)))
  let isOver = false
  // `close` comes after the last line.
  const ended = once(child, 'close').then(([code]: (number | null)[]) => {
    isOver = true
    report()
    return code ?? null
  })
  return {
    child,
    out,
    err: () => errors.join(''),
    ended,
    line: (pattern, nth = 1) => lineOf({ isOver: () => isOver, out, waiting, errors }, { pattern, nth }),
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

interface Output {
  isOver(): boolean
  readonly out: readonly string[]
  readonly errors: readonly string[]
  readonly waiting: Set<() => void>
}

async function lineOf(
  { isOver, out, errors, waiting }: Output,
  { pattern, nth }: { pattern: RegExp; nth: number },
): Promise<RegExpExecArray> {
  for (;;) {
    const found = out.map(text => pattern.exec(text)).filter(one => one !== null)[nth - 1]
    if (found) return found
    if (isOver()) throw new Error(`it ended without saying ${pattern}:\n${out.join('\n')}\n${errors.join('')}`)
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.add(resolve)
    await promise
    waiting.delete(resolve)
  }
}
