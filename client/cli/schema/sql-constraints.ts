/**
 * Constraints of a relation as SQL takes them, from their text or from what they are made of.
 *
 * Only the SQL printer and the console use it.
 */
import { constraintClause } from '#client/cli/schema-sql-definition.ts'
import { identifier, identifiers, qualified } from '#client/cli/schema-sql-text.ts'
import type { Constraint } from '#shared/schemas/snapshot-relation.ts'

/** A constraint as PostgreSQL spells it, whether the snapshot holds its text or only what it is made of. */
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

/** A constraint with its name, as a table's line has it. */
export function constraintText(constraint: Constraint): string {
  const { name, kind, definition } = constraint
  const clause = definition === undefined ? constraintDefinition(constraint) : constraintClause(kind, definition)
  return `constraint ${identifier(name)} ${clause}`
}
