/**
 * The columns of a row by its type in the code: a literal, an interface or alias of the same file or of an imported one,
 * and what is made of these by `&` and `extends`. Used by `statement-types.ts`.
 */
import { resolve } from '#test/support/house/architecture/imports.ts'
import type { Source } from '#test/support/house/architecture/source.ts'

/** Column → its type in the code. */
export type Columns = Readonly<Record<string, string>>

/** The place of a type: its file, among all. */
export interface Place {
  readonly source: Source
  readonly sources: readonly Source[]
}

/** A node of a type, as far as it is read. */
interface TypeNode {
  readonly type: string
  readonly start: number
  readonly end: number
}

/** The columns that a type names; null for one that is computed. */
export function columnsOf(node: TypeNode, place: Place): Columns | null {
  if (node.type === 'TSTypeLiteral') return membersOf(nodesAt(node, 'members'), place)
  if (node.type === 'TSIntersectionType') return merged(nodesAt(node, 'types').map(one => columnsOf(one, place)))
  if (node.type !== 'TSTypeReference' || Reflect.get(node, 'typeArguments') !== null) return null
  const found = declarationOf(nameIn(Reflect.get(node, 'typeName')), place)
  return found === null ? null : declaredColumns(found)
}

function declaredColumns({ node, place }: Declared): Columns | null {
  if (node.type === 'TSTypeAliasDeclaration') return columnsOf(childOf(node, 'typeAnnotation'), place)
  const extended = nodesAt(node, 'extends').map(one => {
    const base = declarationOf(nameIn(Reflect.get(one, 'expression')), place)
    return base === null ? null : declaredColumns(base)
  })
  return merged([...extended, membersOf(nodesAt(childOf(node, 'body'), 'body'), place)])
}

function membersOf(members: readonly TypeNode[], place: Place): Columns {
  return Object.fromEntries(
    members.flatMap(member => {
      const type = Reflect.get(member, 'typeAnnotation')
      if (member.type !== 'TSPropertySignature' || type === null) return []
      return [[nameIn(Reflect.get(member, 'key')), textOf(childOf(type, 'typeAnnotation'), place)]]
    }),
  )
}

/** A type as text; a name that stands for a union of texts as that union. */
function textOf(node: TypeNode, place: Place): string {
  const text = place.source.text.slice(node.start, node.end)
  const [name = '', ...others] = text.split(' | ')
  const found = /^\w+$/.test(name) ? declarationOf(name, place) : null
  if (found === null || found.node.type !== 'TSTypeAliasDeclaration') return text
  const meant = textOf(childOf(found.node, 'typeAnnotation'), found.place).replace(/^\|\s*/, '')
  return meant.startsWith("'") ? [meant, ...others].join(' | ') : text
}

interface Declared {
  readonly node: TypeNode
  readonly place: Place
}

function declarationOf(name: string, { source, sources }: Place): Declared | null {
  for (const statement of source.program.body) {
    const node = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement
    if (node?.type !== 'TSInterfaceDeclaration' && node?.type !== 'TSTypeAliasDeclaration') continue
    if (node.id.name === name) return { node, place: { source, sources } }
  }
  for (const statement of source.program.body) {
    if (statement.type !== 'ImportDeclaration') continue
    const one = statement.specifiers.find(({ local }) => local.name === name)
    const path = resolve(source.path, statement.source.value).name
    const target = one?.type === 'ImportSpecifier' ? sources.find(other => other.path === path) : undefined
    if (one?.type === 'ImportSpecifier' && target !== undefined)
      return declarationOf(nameIn(one.imported), { source: target, sources })
  }
  return null
}

function merged(all: readonly (Columns | null)[]): Columns | null {
  return all.includes(null) ? null : Object.assign({}, ...all)
}

function nodesAt(node: TypeNode, key: string): readonly TypeNode[] {
  // As the parser writes it: a list of nodes, or nothing.
  return (Reflect.get(node, key) ?? []) as readonly TypeNode[]
}

function childOf(node: object, key: string): TypeNode {
  return Reflect.get(node, key) as TypeNode // As the parser writes it.
}

function nameIn(node: unknown): string {
  return typeof node === 'object' && node !== null ? String(Reflect.get(node, 'name') ?? '') : ''
}
