/**
 * Decides whether a removed or added object exists under another name on the other side: a constraint, an index, a
 * policy or a type.
 *
 * Only the walk and the rules of drift use this. Each object is formatted once, however many are compared.
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

/** Returns an object of a relation as text, without its name and comment. */
export function textWithoutName(node: Node): string {
  const { name: _, comment: __, definition, ...rest } = node
  return jsonText({ ...rest, definition: withoutOwnName(nameOf(node), definition) })
}

/** Returns the parts of a relation, or the checks of a domain, as texts without names and comments. */
export function partTexts(relation: Node): ReadonlySet<string> {
  const lists = ['constraints', 'indexes', 'policies', 'triggers', 'rules', 'partitions', 'checks']
  return new Set(lists.flatMap(list => nodesIn(relation, list).map(node => `${list} ${textWithoutName(node)}`)))
}

/** `CREATE INDEX name ON …` and `CREATE RULE name AS …` contain the name. */
function withoutOwnName(name: string, definition: unknown): unknown {
  if (typeof definition !== 'string') return definition
  const at = /^CREATE (?:(?:UNIQUE )?INDEX|RULE) /.exec(definition)?.[0].length
  if (at === undefined) return definition
  for (const form of [`"${name.replaceAll('"', '""')}"`, name]) {
    if (
      /^ (?:ON|AS)\s/.test(definition.slice(at).slice(form.length, form.length + 4)) &&
      definition.startsWith(form, at)
    )
      return definition.slice(0, at) + definition.slice(at + form.length)
  }
  return definition
}

/** Returns the sequences of a snapshot that columns own, by the column's path as JSON. */
export function ownedSequences(snapshot: Node): ReadonlyMap<string, readonly Node[]> {
  const owned = nodesIn(snapshot, 'schemas').flatMap(schema =>
    nodesIn(schema, 'sequences').flatMap(node => {
      // Sound: the shape of a sequence in a snapshot.
      const owner = node['ownedBy'] as { relation: string; column: string } | undefined
      return owner === undefined ? [] : [{ node, key: JSON.stringify([nameOf(schema), owner.relation, owner.column]) }]
    }),
  )
  return new Map([...Map.groupBy(owned, ({ key }) => key)].map(([key, found]) => [key, found.map(({ node }) => node)]))
}

/** The types of a snapshot, looked up by name. */
export interface KnownTypes {
  has(name: string): boolean
  labels(name: string): readonly string[] | null
  /** The definition without name and comment; null for a type that the snapshot does not list. */
  text(name: string): string | null
  /** The base type of a domain, resolved through domains over domains; for any other type, the type itself. */
  base(name: string): string
  /** True if the domain, or a domain that it is based on, refuses null in a table's column. */
  refusesNull(name: string): boolean
  /** True if the domain, or a domain that it is based on, has a default for columns that an insert omits. */
  fills(name: string): boolean
  /** The definitions of types whose names the other snapshot does not have. */
  textsBeyond(other: KnownTypes): ReadonlySet<string>
  /** The labels of the enums whose names the other snapshot does not have. */
  labelsBeyond(other: KnownTypes): readonly (readonly string[])[]
}

const MAX_CHAIN = 100

/** Returns a domain and the domains that it is based on. */
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
    labelsBeyond: other => [...nodes.keys()].filter(name => !other.has(name)).flatMap(name => [labels(name) ?? []]),
  }
}
