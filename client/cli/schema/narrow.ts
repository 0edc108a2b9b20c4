/**
 * Selects a part of a snapshot for the printers: one schema, or one table with its neighbours.
 *
 * Only the commands use this. Names that do not exist select nothing.
 */
import type { SchemaSnapshot, Snapshot } from '#shared/schemas/snapshot.ts'
import type { Relation } from '#shared/schemas/snapshot-relation.ts'

/** The selection; without either field, the whole snapshot. */
interface Part {
  readonly schema?: string | undefined
  readonly table?: string | undefined
}

/** Returns the schema, or the tables with that name, the tables that they refer to, and those that refer to them. */
export function narrowed(snapshot: Snapshot, { schema, table }: Part): Snapshot {
  if (table === undefined) {
    const schemas = snapshot.schemas.filter(({ name }) => schema === undefined || name === schema)
    return { ...snapshot, schemas }
  }
  const isMeant = (schemaName: string, name: string) =>
    name === table && (schema === undefined || schemaName === schema)
  const targets = (relation: Relation) => [
    ...(relation.constraints ?? []).flatMap(({ references }) =>
      references === undefined ? [] : [{ schema: references.schema, name: references.relation }],
    ),
    ...(relation.inherits ?? []),
    ...(relation.partitionOf === undefined ? [] : [relation.partitionOf]),
  ]
  const all = snapshot.schemas.flatMap(({ name, relations }) => relations.map(relation => ({ schema: name, relation })))
  const kept = new Set(
    all
      .filter(({ schema: of, relation }) => isMeant(of, relation.name))
      .flatMap(({ relation }) => targets(relation).map(it => keyOf(it.schema, it.name))),
  )
  const isKept = (schemaName: string, relation: Relation) =>
    isMeant(schemaName, relation.name) ||
    kept.has(keyOf(schemaName, relation.name)) ||
    targets(relation).some(it => isMeant(it.schema, it.name))
  const schemas = snapshot.schemas.map(one => onlyRelations(one, relation => isKept(one.name, relation)))
  return { ...snapshot, schemas: schemas.filter(({ relations }) => relations.length > 0) }
}

function onlyRelations(schema: SchemaSnapshot, isKept: (relation: Relation) => boolean): SchemaSnapshot {
  const relations = schema.relations.filter(isKept)
  const names = new Set(relations.map(({ name }) => name))
  const sequences = schema.sequences?.filter(({ ownedBy }) => ownedBy === undefined || names.has(ownedBy.relation))
  return { ...schema, relations, ...(sequences === undefined ? {} : { sequences }) }
}

function keyOf(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}
