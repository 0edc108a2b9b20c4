/**
 * How a fault is described to the runner. Each has a file of its own beside this one, and stands in the list of `faults.ts`.
 */
import { CLIENT_DEADLINE_MS } from '#server/store/connection/deadlines.ts'
import type { Served } from './recovery.ts'
import type { Scene, SceneOptions } from './scene.ts'

/** Chance by the seed of the run: from 0 up to 1. */
export type Chance = () => number

/** After how long a write that nobody answers has met the deadline of its statement. */
export const UNANSWERED_SECONDS = CLIENT_DEADLINE_MS / 1_000 + 2

/** One fault. */
export interface Fault {
  /** As the table names it, and the command line. */
  readonly name: string
  /** The service must be back so many seconds after the fault's end. */
  readonly withinSeconds: number
  /** For whom the service must be there while it lasts, not only after it: left out, for nobody. */
  readonly sparesMeanwhile?: Served
  /** Where true no process may say that it is ready at the height of it. */
  readonly isUnready?: boolean
  /** How long it lasts; in the sample, half of it, and no shorter than it takes to be felt. */
  readonly lastsSeconds: number
  /** After how long a write meets a deadline, where it is not refused at once. */
  readonly feltAfterSeconds?: number
  /** What its scene is made of; what has to be undone goes on the stack. */
  scene?(cleanup: AsyncDisposableStack): Promise<SceneOptions>
  /** Why it cannot be done on this machine; null where it can. */
  leftOut?(): Promise<string | null>
  /** Makes it begin, and answers what ends it. */
  begin(scene: Scene, chance: Chance): Promise<() => Promise<void>>
  /** Looks at the end for what must not be there; answers sentences. */
  after?(scene: Scene): Promise<string[]>
}
