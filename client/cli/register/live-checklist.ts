/**
 * The checklist of `register` at a terminal while a worker goes through it: drawn anew over itself, and gone once the verdict is
 * there. It says how far the check has come and nothing of how it will end. Elsewhere than at a terminal it writes nothing.
 */
import { DIRECT_ITEMS } from '#shared/checks/items.ts'
import type { CheckProgress } from '#shared/checks/progress.ts'

/** The terminal on which it is drawn. */
export interface ChecklistScreen {
  readonly output: NodeJS.WritableStream
  readonly isScreen: boolean
}

/** A drawing that replaces itself. */
export interface LiveChecklist {
  /** `progress` is null while nothing is known of the check. */
  draw(progress: CheckProgress | null): void
  /** Removes it. */
  end(): void
}

/** Draws nothing until it is told to. */
export function createLiveChecklist({ output, isScreen }: ChecklistScreen): LiveChecklist {
  const startedAt = performance.now()
  let height = 0
  const replace = (lines: readonly string[]) => {
    if (!isScreen) return
    const back = height === 0 ? '' : `\u001b[${height}F\u001b[J`
    output.write(`${back}${lines.map(line => `${line}\n`).join('')}`)
    height = lines.length
  }
  return {
    draw: progress => replace(liveLines(progress, Math.round((performance.now() - startedAt) / 1_000))),
    end: () => replace([]),
  }
}

/** The lines that are done with, the one that is worked on, and for how long all of it takes. */
export function liveLines(progress: CheckProgress | null, seconds: number): string[] {
  const { isRunning, reached } = progress ?? { isRunning: false, reached: [] }
  const next = isRunning ? DIRECT_ITEMS.slice(reached.length, reached.length + 1) : []
  const what = isRunning ? 'A worker goes through the checklist' : 'Sealed here and sent. A worker verifies it'
  return [...reached.map(item => `  done  ${item}`), ...next.map(item => `  …     ${item}`), `${what} … ${seconds} s`]
}
