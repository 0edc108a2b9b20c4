/**
 * The error for a folder in which no server can be created or run. The other files of this folder throw it; `folder.ts`
 * adds the name of the setting.
 */

/** A folder in which no server can be created or run, described for an operator: the reason, and the remedy. */
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
