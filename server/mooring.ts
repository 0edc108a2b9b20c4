/**
 * Entry of the package's command, `mooring`: it becomes the requested process, `start`, `web` or `worker`, or the
 * command line of `cli.ts`. It imports no other Mooring code, so that even a Node that is too old for the rest can run
 * it. The checkout's scripts in `package.json` do not use it.
 */
import { fileURLToPath } from 'node:url'

const OLDEST_NODE = 24
const PROCESSES: Readonly<Record<string, string>> = { start: 'main.ts', web: 'web.ts', worker: 'worker.ts' }
/**
 * Disables core files, which could contain a password, and the debugger, which a signal would open; and limits the C
 * library to one arena, so that threads reuse freed memory.
 */
const CONFINED =
  'ulimit -c 0; [ -n "$MALLOC_ARENA_MAX" ] || export MALLOC_ARENA_MAX=1; exec "$0" --disable-sigusr1 "$@"'
/**
 * MiB for short-lived objects, of which V8 reserves three times as much: less costs time (docs/benchmarks.md), most of
 * all in a tier.
 */
const YOUNG = { start: 4, others: 8 }

/** Replaces this process: a child process would keep running after this one is killed. */
function become([word = '', ...rest]: readonly string[]): void {
  const { execPath, platform, versions } = process
  if (Number.parseInt(versions.node, 10) < OLDEST_NODE)
    throw new Error(
      `Mooring requires Node ${OLDEST_NODE} or newer, and this is Node ${versions.node}. Install it from https://nodejs.org`,
    )
  if (process.execve === undefined) throw new Error(`The command mooring does not run on ${platform}.`)
  const file = PROCESSES[word]
  const entry = fileURLToPath(new URL(file ?? 'cli.ts', import.meta.url))
  // The warning about an experimental feature would only be printed if the process continued, which it does not.
  process.removeAllListeners('warning')
  process.execve('/bin/sh', [
    'sh',
    '-c',
    CONFINED,
    execPath,
    `--max-semi-space-size=${word === 'start' ? YOUNG.start : YOUNG.others}`,
    '--expose-gc',
    entry,
    ...(file === undefined && word !== '' ? [word] : []),
    ...rest,
  ])
}

try {
  become(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
