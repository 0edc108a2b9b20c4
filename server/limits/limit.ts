/**
 * The form of a limit: one row of the table *Limits* in `docs/limits.md`. The bound is imported from the constant that
 * enforces it, so that the table and the code cannot differ. Nothing of the product imports these files: they describe it.
 */

/** A thing that a stranger sizes, and the bound that keeps it small. */
export interface Limit {
  /** The thing that is bounded. */
  readonly what: string
  readonly bound: number
  /** What the bound counts; `bytes` and `ms` are written in larger units where they come out even. */
  readonly unit: string
  /** The variable that changes the bound; left out where it is fixed. */
  readonly setting?: string
  /** What happens at the bound: one of four, and never an error of the inside. */
  readonly happens: 'refused' | 'oldest goes' | 'cut' | 'waits'
  /** How a caller notices: status and fault, the mark of a cut, how long a wait may last. */
  readonly how: string
  /** The test that meets the bound: a file under `test/` without `.test.ts`, and a part of its text that names the limit. */
  readonly test: readonly [file: string, names: string]
  /**
   * What of the code it bounds: `path #field` or `path name` of a container, `path function()` of a loop, `table name`,
   * `input procedure.path field`. `test/house/limits-table.test.ts` finds these by walking the code and asks for each.
   */
  readonly holds?: readonly string[]
}
