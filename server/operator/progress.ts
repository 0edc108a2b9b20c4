/**
 * The progress of a long command: a bar on a terminal, an occasional line elsewhere. It writes counts and our own
 * words, and none of the data.
 */

/** The output for progress: standard error, or a test's substitute. */
export interface Screen {
  readonly isTerminal: boolean
  write(text: string): void
}

/** A progress display. */
export interface Progress {
  /** Shows that `left` remain of the initial total, or of a larger total if more were added. */
  show(left: number): void
  end(): void
}

const WIDTH = 30
const LINE_MS = 2_000

/** Starts a progress display. */
export function startProgress(screen: Screen, work: { what: string; total: number; now: () => number }): Progress {
  let total = work.total
  let saidAt = Number.NEGATIVE_INFINITY
  const text = (left: number) => {
    const done = total - left
    const share = total === 0 ? 1 : done / total
    const counts = `${done}/${total} ${work.what}`
    if (!screen.isTerminal) return `${counts} (${Math.floor(share * 100)} %)\n`
    const filled = Math.round(share * WIDTH)
    return `\r[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}] ${counts} `
  }
  return {
    show(left) {
      total = Math.max(total, left)
      const isDue = screen.isTerminal || left === 0 || work.now() - saidAt >= LINE_MS
      if (!isDue) return
      saidAt = work.now()
      screen.write(text(left))
    },
    end() {
      if (screen.isTerminal) screen.write('\n')
    },
  }
}
