/**
 * Draws the checklist of `register` on a terminal while a worker runs it: it redraws itself in place and disappears
 * once there is a verdict. It shows the progress of the check and never predicts the result. If the output is not a
 * terminal, it writes nothing.
 */
import { DIRECT_ITEMS } from '#shared/checks/items.ts'
import type { CheckProgress } from '#shared/checks/progress.ts'

/** The terminal to draw on. */
export interface ChecklistScreen {
  readonly output: NodeJS.WritableStream
  readonly isScreen: boolean
}

/** A drawing that replaces itself. */
export interface LiveChecklist {
  /** `progress` is null while nothing is known about the check. */
  draw(progress: CheckProgress | null): void
  /** Removes the drawing. */
  end(): void
}

/** Creates a live checklist. Nothing is drawn until `draw` is called. */
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

/** Returns the completed lines, the line in progress, and the elapsed time. */
export function liveLines(progress: CheckProgress | null, seconds: number): string[] {
  const { isRunning, reached } = progress ?? { isRunning: false, reached: [] }
  const next = isRunning ? DIRECT_ITEMS.slice(reached.length, reached.length + 1) : []
  const what = isRunning ? 'A worker is running the checklist' : 'Sealed here and sent. A worker is verifying it'
  return [...reached.map(item => `  done  ${item}`), ...next.map(item => `  …     ${item}`), `${what} … ${seconds} s`]
}
