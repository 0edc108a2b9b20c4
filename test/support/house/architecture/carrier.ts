/**
 * The carrier of a transaction: no function of the server takes a transaction beside an organization or a time, and no
 * code puts a transaction in the place of a context's pool.
 *
 * `docs/decisions/unit-of-work.md` gives the reason.
 */
import { Visitor, type VisitorObject } from 'oxc-parser'
import type { Source, Violation } from './source.ts'

/** Reports loose tuples of a transaction, an organization and a time, and hidden transactions. */
export function checkCarrier(source: Source): Violation[] {
  if (!source.path.startsWith('server/')) return []
  const found: Violation[] = []
  const report = (start: number, detail: string) =>
    found.push({ file: source.path, line: source.lineOf(start), rule: 'carrier', detail })
  const callable = (node: { readonly params: readonly object[] }) => {
    const types = node.params.map(typeOf)
    const isTx = types.findIndex(type => type !== null && Reflect.get(Object(type.typeName), 'name') === 'Tx')
    const loose = isTx === -1 ? undefined : node.params.find((one, at) => isLoose(one, types[at] ?? null))
    if (loose !== undefined) report(startOf(loose), 'a transaction beside its organization or time: take a UnitOfWork')
  }
  const visitor: VisitorObject = {
    FunctionDeclaration: callable,
    FunctionExpression: callable,
    ArrowFunctionExpression: callable,
    TSFunctionType: callable,
    TSMethodSignature: callable,
    Property: node => {
      if (nameOf(node.key) === 'deps' && isWithDatabase(node.value))
        report(node.start, 'a transaction hidden in the dependencies: the database of a call is its own field')
    },
  }
  new Visitor(visitor).visit(source.program)
  return found
}

interface TypeNode {
  readonly type: string
  readonly typeName?: unknown
  readonly members?: readonly object[]
}

/** The type of a parameter, with or without a default; null without an annotation. */
function typeOf(parameter: object): TypeNode | null {
  const pattern: unknown = Reflect.get(parameter, 'left') ?? parameter
  const annotation: unknown = Reflect.get(Object(pattern), 'typeAnnotation')
  const type: unknown = Reflect.get(Object(annotation), 'typeAnnotation')
  return typeof type === 'object' && type !== null && 'type' in type ? (type as TypeNode) : null // a node has a type
}

/** An organization as a string, a time, or a literal type with a time. */
function isLoose(parameter: object, type: TypeNode | null): boolean {
  if (type === null) return false
  const name = nameOf(parameter)
  if (type.type === 'TSStringKeyword') return name === 'org' || name === 'organizationId'
  if (type.type === 'TSTypeReference') return name === 'now'
  return (
    type.type === 'TSTypeLiteral' && (type.members ?? []).some(member => nameOf(Reflect.get(member, 'key')) === 'now')
  )
}

function isWithDatabase(value: object): boolean {
  const properties: unknown = Reflect.get(value, 'properties')
  return Array.isArray(properties) && properties.some(one => nameOf(Reflect.get(Object(one), 'key')) === 'db')
}

function nameOf(node: unknown): unknown {
  return Reflect.get(Object(node), 'name')
}

function startOf(node: object): number {
  return Number(Reflect.get(node, 'start'))
}
