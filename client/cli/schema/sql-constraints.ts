/**
 * Formats the constraints of a relation for SQL, from PostgreSQL's text or from their parts.
 *
 * Only the SQL printer and the console use this.
 */
import { constraintClause } from '#client/cli/schema-sql-definition.ts'
import { identifier, identifiers, qualified } from '#client/cli/schema-sql-text.ts'
import type { Constraint } from '#shared/schemas/snapshot-relation.ts'

/** Returns a constraint as PostgreSQL prints it, whether the snapshot holds its text or only its parts. */
export function constraintDefinition({ kind, columns, references, definition }: Constraint): string {
  if (definition !== undefined) return definition
  if (!references) return `${kind === 'primary_key' ? 'PRIMARY KEY' : 'UNIQUE'} (${identifiers(columns)})`
  const { schema, relation, columns: targets, onUpdate, onDelete } = references
  const update = onUpdate === 'no_action' ? '' : ` ON UPDATE ${ACTIONS[onUpdate]}`
  const remove = onDelete === 'no_action' ? '' : ` ON DELETE ${ACTIONS[onDelete]}`
  const target = `${qualified(schema, relation)}(${identifiers(targets)})`
  return `FOREIGN KEY (${identifiers(columns)}) REFERENCES ${target}${update}${remove}`
}

const ACTIONS = {
  no_action: 'NO ACTION',
  restrict: 'RESTRICT',
  cascade: 'CASCADE',
  set_null: 'SET NULL',
  set_default: 'SET DEFAULT',
} as const

/** Returns a constraint with its name, as a line of a table definition. */
export function constraintText(constraint: Constraint): string {
  const { name, kind, definition } = constraint
  const clause = definition === undefined ? constraintDefinition(constraint) : constraintClause(kind, definition)
  return `constraint ${identifier(name)} ${clause}`
}
