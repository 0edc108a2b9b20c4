/**
 * Starts a process that performs one order and is killed at its deadline, with this process's environment, role and
 * keyring.
 *
 * The order is passed through standard input: every user of the machine can see arguments. The process reports by one
 * byte on descriptor 3 that it begins. Called by the worker's quarantine.
 */
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

/** How the process ended: normally, killed or dead during its work, or before it began. */
export type AloneEnd = 'in order' | 'died' | 'not started'

/** A process with one order. */
export interface Alone {
  /** Never rejects. */
  readonly ended: Promise<AloneEnd>
  kill(): void
}

/** The program to start, its input, and its time limit once it has begun. */
export interface AloneOrder {
  readonly entry: string
  readonly order: object
  readonly deadlineMs: number
}

const START_MS = 60_000

/** Starts the process. */
export function startAlone({ entry, order, deadlineMs }: AloneOrder): Alone {
  const { promise, resolve } = Promise.withResolvers<AloneEnd>()
  const child = spawn(process.execPath, [entry], { stdio: ['pipe', 'inherit', 'inherit', 'pipe'] })
  const kill = () => void child.kill('SIGKILL')
  let hasBegun = false
  let timer = setTimeout(kill, START_MS)
  // Sound: a 'pipe' beyond the first three is a stream (documentation of `options.stdio`).
  const said = child.stdio[3] as Readable
  said.once('data', () => {
    hasBegun = true
    clearTimeout(timer)
    timer = setTimeout(kill, deadlineMs)
  })
  // Only the exit status says how it ended.
  for (const pipe of [said, child.stdin]) pipe?.on('error', () => undefined)
  child.stdin?.end(JSON.stringify(order))
  const end = (code: number | null) => {
    clearTimeout(timer)
    if (code === 0) resolve('in order')
    else resolve(hasBegun ? 'died' : 'not started')
  }
  child.once('error', () => end(null))
  child.once('exit', end)
  return { ended: promise, kill }
}
