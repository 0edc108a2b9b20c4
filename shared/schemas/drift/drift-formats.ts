/**
 * Reduces two snapshots to what can be compared: the schemas that both cover and, if their formats differ, the
 * properties that both hold.
 *
 * Format 1 lacks the properties added in format 2, and includes relations and types owned by extensions. Only drift
 * uses this.
 */
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { type Node, nameOf, nodesIn, type ObjectKind, PARTS } from '#shared/schemas/snapshot-parts.ts'

/** Properties and lists that format 2 added. */
const ADDED: Partial<Readonly<Record<ObjectKind, readonly string[]>>> = {
  snapshot: ['publications', 'servers', 'others'],
  schema: ['composites', 'ranges', 'functions', 'others', 'extension'],
  extension: ['requires'],
  sequence: ['unlogged'],
  policy: ['comment'],
  relation: [
    ...['triggers', 'rules', 'published', 'partitions', 'unlogged', 'replicaIdentity', 'replicaIndex', 'inherits'],
    ...['partitionOf', 'bound', 'serverOptions', 'ofType', 'storage'],
  ],
  column: ['notNullUnvalidated', 'nullBelow', 'identityOptions', 'base', 'options', 'notNullName'],
  constraint: ['comment', 'inherited'],
  index: ['comment', 'inherited'],
}

/** Returns a snapshot without the schemas that another snapshot does not cover. */
export function restrictedTo(snapshot: Snapshot, other: Snapshot): Snapshot {
  const asked = other.schemasAsked === null ? null : new Set(other.schemasAsked)
  const excluded = new Set(other.excludedSchemas)
  const isCovered = (name: string) => asked?.has(name) ?? !excluded.has(name)
  return { ...snapshot, schemas: snapshot.schemas.filter(schema => isCovered(schema.name)) }
}

/** Returns both snapshots, reduced to what can be compared. */
export function comparable(before: Snapshot, after: Snapshot): readonly [Node, Node] {
  const [was, is] = [restrictedTo(before, after), restrictedTo(after, before)]
  if (before.version === after.version) return [was, is]
  return before.version === 1
    ? [withoutMembers(was, after), reduced(is, 'snapshot')]
    : [reduced(was, 'snapshot'), withoutMembers(is, before)]
}

/** Returns notes on how two snapshots were compared; empty if there is nothing to note. */
export function comparisonNotes(before: Snapshot, after: Snapshot): string[] {
  const notes: string[] = []
  if (before.version !== after.version)
    notes.push(`The snapshots have formats ${before.version} and ${after.version}: only what both hold is compared.`)
  const [was, is] = [majorOf(before), majorOf(after)]
  if (isOtherMajor(before, after))
    notes.push(`The servers are PostgreSQL ${was} and ${is}, which format some expressions differently.`)
  return notes
}

/** True if the servers have different major versions; false if a version is unknown. */
export function isOtherMajor(before: Snapshot, after: Snapshot): boolean {
  const [was, is] = [majorOf(before), majorOf(after)]
  return was > 0 && is > 0 && was !== is
}

/** The server's major version; 0 if the snapshot was loaded without its observations. */
function majorOf({ observed }: { observed?: { serverVersionNum: number } }): number {
  return Math.floor((observed?.serverVersionNum ?? 0) / 10_000)
}

/** Reduces an object of format 2 to what format 1 would hold. */
function reduced(node: Node, kind: ObjectKind): Node {
  const result: Record<string, unknown> = { ...node }
  if (kind === 'column' && node['notNullUnvalidated'] === true) result['notNull'] = true
  for (const key of ADDED[kind] ?? []) delete result[key]
  for (const part of PARTS[kind]) {
    if (result[part.list] === undefined) continue
    const nodes = nodesIn(node, part.list).filter(child => child['partitionOf'] === undefined)
    result[part.list] = nodes.map(child => reduced(child, part.kind))
  }
  return result
}

/**
 * Removes objects owned by extensions and PostgreSQL from a snapshot of format 1, as far as the other snapshot lists
 * them.
 */
function withoutMembers(snapshot: Snapshot, other: Snapshot): Node {
  // Only a snapshot that was loaded without its observations lacks `observed`.
  const members = (other as Partial<Snapshot>).observed?.members ?? []
  const owned = new Set(members.map(({ of, schema, name }) => JSON.stringify([of, of === 'type' ? '' : schema, name])))
  const isOwn = (kind: 'relation' | 'type', schema: string) => (node: Node) =>
    !owned.has(JSON.stringify([kind, kind === 'type' ? '' : schema, nameOf(node)])) &&
    !(kind === 'type' && nameOf(node).startsWith('information_schema.'))
  const kept = (schema: Node, list: string, kind: 'relation' | 'type') => {
    const nodes = nodesIn(schema, list)
    return nodes.length === 0 ? {} : { [list]: nodes.filter(isOwn(kind, nameOf(schema))) }
  }
  const schemas = snapshot.schemas.map(schema => ({
    ...schema,
    ...kept(schema, 'relations', 'relation'),
    ...kept(schema, 'sequences', 'relation'),
    ...kept(schema, 'enums', 'type'),
    ...kept(schema, 'domains', 'type'),
  }))
  return { ...snapshot, schemas }
}
