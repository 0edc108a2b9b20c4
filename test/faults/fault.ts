/**
 * How a fault is described to the runner. Each has a file of its own beside this one, and an entry in the list of
 * `faults.ts`.
 */
import { CLIENT_DEADLINE_MS } from '#server/store/connection/deadlines.ts'
import type { Served } from './recovery.ts'
import type { Scene, SceneOptions } from './scene.ts'

/** Random numbers from the seed of the run: from 0 up to 1. */
export type Chance = () => number

/** How long until an unanswered write has met its statement's deadline. */
export const UNANSWERED_SECONDS = CLIENT_DEADLINE_MS / 1_000 + 2

/** One fault. */
export interface Fault {
  /** Its name in the table and on the command line. */
  readonly name: string
  /** The service must recover within this many seconds of the fault's end. */
  readonly withinSeconds: number
  /** The organizations that must be served during the fault, not only after it; none by default. */
  readonly sparesMeanwhile?: Served
  /** If true, no process may report readiness at the height of the fault. */
  readonly isUnready?: boolean
  /** How long it lasts; half of that in the sample, but long enough to have an effect. */
  readonly lastsSeconds: number
  /** How long until a write meets a deadline, unless it is refused at once. */
  readonly feltAfterSeconds?: number
  /** The options of its scene; undo steps go on the stack. */
  scene?(cleanup: AsyncDisposableStack): Promise<SceneOptions>
  /** Why this machine cannot run it; null when it can. */
  leftOut?(): Promise<string | null>
  /** Starts the fault, and returns the function that ends it. */
  begin(scene: Scene, chance: Chance): Promise<() => Promise<void>>
  /** Looks for forbidden leftovers at the end; returns sentences. */
  after?(scene: Scene): Promise<string[]>
}
