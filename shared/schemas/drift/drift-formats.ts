/**
 * Two snapshots reduced to what both can tell: the schemas that both cover, and of two formats what both hold.
 *
 * Format 1 lacks what came with format 2, and holds the relations and types that extensions own. Only drift uses it.
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

/** A snapshot without the schemas that another one does not cover. */
export function restrictedTo(snapshot: Snapshot, other: Snapshot): Snapshot {
  const asked = other.schemasAsked === null ? null : new Set(other.schemasAsked)
  const excluded = new Set(other.excludedSchemas)
  const isCovered = (name: string) => asked?.has(name) ?? !excluded.has(name)
  return { ...snapshot, schemas: snapshot.schemas.filter(schema => isCovered(schema.name)) }
}

/** Both, reduced to what both can tell. */
export function comparable(before: Snapshot, after: Snapshot): readonly [Node, Node] {
  const [was, is] = [restrictedTo(before, after), restrictedTo(after, before)]
  if (before.version === after.version) return [was, is]
  return before.version === 1
    ? [withoutMembers(was, after), reduced(is, 'snapshot')]
    : [reduced(was, 'snapshot'), withoutMembers(is, before)]
}

/** Sentences on how two snapshots were compared; empty where there are none. */
export function comparisonNotes(before: Snapshot, after: Snapshot): string[] {
  const notes: string[] = []
  if (before.version !== after.version)
    notes.push(`The snapshots have formats ${before.version} and ${after.version}: only what both hold is compared.`)
  const [was, is] = [majorOf(before), majorOf(after)]
  if (isOtherMajor(before, after))
    notes.push(`The servers are PostgreSQL ${was} and ${is}, which spell some expressions otherwise.`)
  return notes
}

/** True for servers of two major versions; false where one is not known. */
export function isOtherMajor(before: Snapshot, after: Snapshot): boolean {
  const [was, is] = [majorOf(before), majorOf(after)]
  return was > 0 && is > 0 && was !== is
}

/** The part beside a snapshot, which may be missing in a comparison. */
function majorOf({ observed }: { observed?: { serverVersionNum: number } }): number {
  return Math.floor((observed?.serverVersionNum ?? 0) / 10_000)
}

/** An object of format 2 as format 1 would hold it. */
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

/** A snapshot of format 1 without what extensions and PostgreSQL own, as far as the other one tells. */
function withoutMembers(snapshot: Snapshot, other: Snapshot): Node {
  // Only a snapshot that is compared without what stands beside it has none.
  const members = (other as Partial<Snapshot>).observed?.members ?? []
  const owned = new Set(members.map(({ of, schema, name }) => JSON.stringify([of, of === 'type' ? '' : schema, name])))
  const isOwn = (of: 'relation' | 'type', schema: string) => (node: Node) =>
    !owned.has(JSON.stringify([of, of === 'type' ? '' : schema, nameOf(node)])) &&
    !(of === 'type' && nameOf(node).startsWith('information_schema.'))
  const kept = (schema: Node, list: string, of: 'relation' | 'type') => {
    const nodes = nodesIn(schema, list)
    return nodes.length === 0 ? {} : { [list]: nodes.filter(isOwn(of, nameOf(schema))) }
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
