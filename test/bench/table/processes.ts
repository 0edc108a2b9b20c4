/**
 * Processes of the benchmark: started, heard, ended with it. The product's are those of the built package.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A running process. */
export interface Started {
  readonly pid: number
  readonly child: ChildProcess
  /** The first part of its output that matches, past or to come. Rejects where it ends without it. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  /** Ends it in order. */
  stop(): Promise<void>
}

/** A program and its arguments; Node unless another one is given, which finds this Node. */
interface Launch {
  readonly program?: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly ipc?: boolean
}

/** Starts a program; the stack ends it. */
export function startNode(cleanup: AsyncDisposableStack, of: Launch): Started {
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
  const child = spawn(of.program ?? process.execPath, [...of.args], {
    env: { PATH, ...of.env },
    stdio: ['ignore', 'pipe', 'inherit', ...(of.ipc === true ? (['ipc'] as const) : [])],
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
      void ended.then(() => reject(new Error(`${of.args.at(-1)} ended: ${text}`)))
      return promise.finally(() => looks.delete(look))
    },
  }
}

/** The path of a file of this folder. */
export function here(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
