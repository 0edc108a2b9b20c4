/**
 * Whether something that is gone or new was or is there under another name: a constraint, an index, a policy, a type.
 *
 * Only the walk and the rules of drift use it. Each object is spelled once, whatever number of them is judged.
 */
import { jsonText } from '#shared/schemas/snapshot-canonical.ts'
import { type Node, nameOf, nodesIn } from '#shared/schemas/snapshot-parts.ts'

/** An object of a relation without its name and comment, as text. */
export function spelledWithoutName(node: Node): string {
  const { name: _, comment: __, definition, ...rest } = node
  return jsonText({ ...rest, definition: withoutIndexName(nameOf(node), definition) })
}

/** The objects of some of a relation's lists, so spelled. */
export function spelledParts(relation: Node): ReadonlySet<string> {
  const lists = ['constraints', 'indexes', 'policies', 'triggers', 'partitions']
  return new Set(lists.flatMap(list => nodesIn(relation, list).map(node => `${list} ${spelledWithoutName(node)}`)))
}

/** `CREATE INDEX name ON …` has the name in it. */
function withoutIndexName(name: string, definition: unknown): unknown {
  if (typeof definition !== 'string' || !/^CREATE (?:UNIQUE )?INDEX /.test(definition)) return definition
  const at = definition.indexOf('INDEX ') + 6
  for (const spelled of [`"${name.replaceAll('"', '""')}"`, name]) {
    if (definition.startsWith(`${spelled} ON `, at))
      return definition.slice(0, at) + definition.slice(at + spelled.length)
  }
  return definition
}

/** The types of a snapshot by name: of an enum its labels, of any other its text. */
export interface KnownTypes {
  has(name: string): boolean
  labels(name: string): readonly string[] | null
  /** Without name and comment; null for what is no type of the snapshot. */
  text(name: string): string | null
  /** A domain's base type, through domains over domains; any other type itself. */
  base(name: string): string
  /** Texts of those types that the other snapshot has none of the name of. */
  textsBeyond(other: KnownTypes): ReadonlySet<string>
}

const MAX_CHAIN = 100

/** Collects the types of a snapshot. */
export function knownTypes(snapshot: Node): KnownTypes {
  const nodes = new Map<string, Node>()
  const made = new Map<string, string>()
  const texts = new Map<string, string>()
  for (const schema of nodesIn(snapshot, 'schemas')) {
    for (const list of ['enums', 'domains', 'composites', 'ranges']) {
      for (const node of nodesIn(schema, list)) {
        nodes.set(nameOf(node), node)
        if (list === 'domains') made.set(nameOf(node), String(node['type']))
      }
    }
  }
  const text = (name: string): string | null => {
    const node = nodes.get(name)
    if (node === undefined) return null
    const known = texts.get(name) ?? spelledWithoutName(node)
    texts.set(name, known)
    return known
  }
  const labels = (name: string): readonly string[] | null => {
    const found = nodes.get(name)?.['labels']
    return Array.isArray(found) ? found.map(String) : null
  }
  return {
    has: name => nodes.has(name),
    labels,
    text,
    base(name) {
      let base = name
      for (let left = MAX_CHAIN; left > 0; left -= 1) base = made.get(base) ?? base
      return base
    },
    textsBeyond: other => new Set([...nodes.keys()].filter(name => !other.has(name)).map(name => text(name) ?? '')),
  }
}
