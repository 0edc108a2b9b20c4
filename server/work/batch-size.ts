/**
 * How many old rows are removed at a time: as many as take some 50 ms, since what reads or writes such a row waits as long. Each batch
 * says how long it took, and the next one is half or twice as large.
 */
import { BATCH } from '#server/store/installation/brief.ts'

const AIM_MS = 50
const FIRST = BATCH / 4
const SMALLEST = BATCH / 32

/** The size of the batches of one table in one turn. */
export class BatchSize {
  #rows = FIRST

  /** Of the next batch. */
  get rows(): number {
    return this.#rows
  }

  /** Hears how long a batch of this size took. */
  took(ms: number): void {
    if (ms > AIM_MS) this.halve()
    else if (ms < AIM_MS / 2) this.#rows = Math.min(BATCH, this.#rows * 2)
  }

  /** Makes the next batch smaller, where it is not the smallest. */
  halve(): void {
    this.#rows = Math.max(SMALLEST, this.#rows / 2)
  }
}
