/**
 * Polls `/readyz` of each web process several times a second,
 * as a balancer does, and records the answers.
 */
import { setTimeout as wait } from 'node:timers/promises'

const EVERY_MS = 250
const PATIENCE_MS = 3_000

/** The recorded answers. */
export interface Readiness {
  /** The answers of all processes since the last call, without repetitions: `200`, `503`, `none`. */
  since(): string[]
  stop(): Promise<void>
}

/** Starts polling. */
export function watchReadiness(urls: readonly string[]): Readiness {
  const seen: string[] = []
  let isOver = false
  const note = (answer: string) => {
    if (seen.at(-1) !== answer) seen.push(answer)
  }
  const look = async (url: string) => {
    while (!isOver) {
      note(await answerOf(url))
      await wait(EVERY_MS)
    }
  }
  const running = Promise.all(urls.map(look))
  return {
    since: () => [...new Set(seen.splice(0))],
    async stop() {
      isOver = true
      await running
    },
  }
}

async function answerOf(url: string): Promise<string> {
  try {
    const { status } = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) })
    return String(status)
  } catch {
    return 'none'
  }
}
