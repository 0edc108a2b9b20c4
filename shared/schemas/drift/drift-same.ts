/**
 * Whether something that is gone or new was or is there under another name: a constraint, an index, a policy, a type.
 *
 * Only the walk and the rules of drift use it. Each object is spelled once, whatever number of them is judged.
 */
import { jsonText } from '#shared/schemas/snapshot-canonical.ts'
import { type Node, nameOf, nodesIn } from '#shared/schemas/snapshot-parts.ts'
import { requiredBy } from './drift-check.ts'

/**
 * True for two values of JSON that are the same down to the last of their parts, so that nothing of them can differ. False says
 * nothing: what differs in its spelling alone is not the same.
 */
export function isIdentical(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false
    for (let at = 0; at < one.length; at += 1) if (!isIdentical(one[at], other[at])) return false
    return true
  }
  const [mine, theirs] = [one as Node, other as Node] // objects that are no arrays
  const keys = Object.keys(mine)
  if (keys.length !== Object.keys(theirs).length) return false
  for (const key of keys) if (mine[key] === undefined || !isIdentical(mine[key], theirs[key])) return false
  return true
}

/** An object of a relation without its name and comment, as text. */
export function textWithoutName(node: Node): string {
  const { name: _, comment: __, definition, ...rest } = node
  return jsonText({ ...rest, definition: withoutOwnName(nameOf(node), definition) })
}

/** The objects of some of a relation's lists, and the checks of a domain, so spelled. */
export function partTexts(relation: Node): ReadonlySet<string> {
  const lists = ['constraints', 'indexes', 'policies', 'triggers', 'rules', 'partitions', 'checks']
  return new Set(lists.flatMap(list => nodesIn(relation, list).map(node => `${list} ${textWithoutName(node)}`)))
}

/** `CREATE INDEX name ON …` and `CREATE RULE name AS …` have the name in them. */
function withoutOwnName(name: string, definition: unknown): unknown {
  if (typeof definition !== 'string') return definition
  const at = /^CREATE (?:(?:UNIQUE )?INDEX|RULE) /.exec(definition)?.[0].length
  if (at === undefined) return definition
  for (const spelled of [`"${name.replaceAll('"', '""')}"`, name]) {
    if (
      /^ (?:ON|AS)\s/.test(definition.slice(at).slice(spelled.length, spelled.length + 4)) &&
      definition.startsWith(spelled, at)
    )
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
  /** True for a domain, through domains over domains, that keeps null out of a table's column. */
  refusesNull(name: string): boolean
  /** True for a domain, through domains over domains, that gives a value to columns that are left out. */
  fills(name: string): boolean
  /** Texts of those types that the other snapshot has none of the name of. */
  textsBeyond(other: KnownTypes): ReadonlySet<string>
}

const MAX_CHAIN = 100

/** A domain and those that it is made of. */
function chain(nodes: ReadonlyMap<string, Node>, name: string): Node[] {
  const found: Node[] = []
  for (let at = nodes.get(name); at !== undefined && found.length < MAX_CHAIN; at = nodes.get(String(at['type'])))
    found.push(at)
  return found
}

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
    const known = texts.get(name) ?? textWithoutName(node)
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
    refusesNull: name => chain(nodes, name).some(it => it['notNull'] === true || requiredBy(it).has('VALUE')),
    fills: name => chain(nodes, name).some(it => it['default'] !== undefined),
    textsBeyond: other => new Set([...nodes.keys()].filter(name => !other.has(name)).map(name => text(name) ?? '')),
  }
}
