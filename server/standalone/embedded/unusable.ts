/**
 * The error of a folder in which no server can be made or run. Thrown by the other files of this folder; `folder.ts` adds
 * which setting it is.
 */

/** A folder in which no server can be made or run, as an operator reads it: the reason, and the remedy. */
export class Unusable extends Error {
  readonly wrong: string
  readonly remedy: string

  /** Both are parts of one sentence: `its disk is full`, `free some space`. */
  constructor(wrong: string, remedy: string) {
    super(`The folder of the embedded PostgreSQL cannot be used: ${wrong}; ${remedy}.`)
    this.name = 'Unusable'
    this.wrong = wrong
    this.remedy = remedy
  }
}
