/**
 * The form of a limit: one row of the table *Limits* in `docs/limits.md`. The bound is imported from the constant that
 * enforces it, so that the table and the code cannot differ. No product code imports these files: they only describe
 * it.
 */

/** A quantity that a stranger controls, and its bound. */
export interface Limit {
  /** The bounded quantity. */
  readonly what: string
  readonly bound: number
  /** The unit of the bound; `bytes` and `ms` are written in larger units if they divide evenly. */
  readonly unit: string
  /** The variable that changes the bound; absent if it is fixed. */
  readonly setting?: string
  /** The effect at the bound: one of four, and never an internal error. */
  readonly happens: 'refused' | 'oldest goes' | 'cut' | 'waits'
  /** The visible effect for a caller: status and fault, the mark of a cut, the longest wait. */
  readonly how: string
  /**
   * The test that reaches the bound: a file under `test/` without `.test.ts`, and a part of its text that names the
   * limit.
   */
  readonly test: readonly [file: string, names: string]
  /**
   * The bounded code: `path #field` or `path name` of a container, `path function()` of a loop, `table name`,
   * `input procedure.path field`. `test/house/limits-table.test.ts` walks the code and requires each.
   */
  readonly holds?: readonly string[]
}
