/**
 * Processes of the benchmark: starts them, reads their output and ends them with the benchmark. Those of the product
 * come from the built package.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A running process. */
export interface Started {
  readonly pid: number
  readonly child: ChildProcess
  /** Resolves with the first match in its output, past or future. Rejects if the process ends without one. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  /** Stops it gracefully. */
  stop(): Promise<void>
}

/** A program and its arguments. Node by default; another program finds this Node in its path. */
interface Launch {
  readonly program?: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly ipc?: boolean
}

/** Starts a program; the stack stops it. */
export function startNode(cleanup: AsyncDisposableStack, { program, args, env, ipc }: Launch): Started {
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  const child = spawn(program ?? process.execPath, [...args], {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit', ...(ipc === true ? (['ipc'] as const) : [])],
  })
  const ended = once(child, 'exit')
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill()
    await ended
  }
  cleanup.defer(stop)
  let text = ''
  const looks = new Set<() => void>()
  child.stdout?.on('data', chunk => {
    if (looks.size === 0) return
    text += String(chunk)
    for (const look of looks) look()
  })
  return {
    pid: child.pid ?? 0,
    child,
    stop,
    printed(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
      const look = () => {
        const found = pattern.exec(text)
        if (found !== null) resolve(found)
      }
      looks.add(look)
      look()
      void ended.then(() => reject(new Error(`${args.at(-1)} ended: ${text}`)))
      return promise.finally(() => looks.delete(look))
    },
  }
}

/** Returns the path of a file in this folder. */
export function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
