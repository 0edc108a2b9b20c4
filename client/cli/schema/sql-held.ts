/**
 * Statements that call functions which the snapshot may not hold.
 *
 * Only the script of a relation uses it.
 */
import { remark } from '#client/cli/schema-sql-text.ts'

/** A statement; a remark where something is missing that it calls. */
export function whenHeld(statement: string, missing: readonly string[]): string {
  return missing.length === 0 ? statement : remark(statement, 'missing')
}
