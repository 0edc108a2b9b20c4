/**
 * Handles statements that call functions which the snapshot may not hold.
 *
 * Only the script of a relation uses this.
 */
import { remark } from '#client/cli/schema-sql-text.ts'

/** Returns the statement; a remark if it calls something that is missing. */
export function whenHeld(statement: string, missing: readonly string[]): string {
  return missing.length === 0 ? statement : remark(statement, 'missing')
}
