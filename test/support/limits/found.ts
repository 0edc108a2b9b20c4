/**
 * Walks the code for things whose size a stranger may control: long-lived containers, loops without a counter, tables.
 * `test/house/limits-table.test.ts` compares the findings with the table of limits.
 */
import { Visitor } from 'oxc-parser'
import type { Source } from '#test/support/house/architecture/source.ts'

interface Placed {
  readonly type: string
  readonly start: number
  readonly end: number
}

interface Named extends Placed {
  readonly name: string
}

/** Every container and loop of a file, by its name in the table of limits. */
export function foundIn(source: Source): string[] {
  const functions = functionsOf(source)
  const within = (at: Placed) =>
    functions.filter(one => one.start <= at.start && at.end <= one.end).sort((a, b) => b.start - a.start)[0]
  const loops = loopsOf(source).map(loop => `${source.path} ${within(loop)?.name ?? 'module'}()`)
  return [...new Set([...fields(source), ...kept(source, functions), ...loops])]
}

/** `#field = new Map()`, `#field: T[] = []` of a class. */
function fields(source: Source): string[] {
  const found: string[] = []
  new Visitor({
    PropertyDefinition: ({ key, value, static: isStatic }) => {
      if (isContainer(value) && !isStatic) found.push(`${source.path} ${nameOf(key)}`)
    },
  }).visit(source.program)
  return found
}

/** An empty container of a function that an inner function uses: it may outlive the call. */
function kept(source: Source, functions: readonly Named[]): string[] {
  const found: string[] = []
  new Visitor({
    VariableDeclarator: ({ id, init, start, end }) => {
      if (id.type !== 'Identifier' || !isContainer(init)) return
      const inside = functions.filter(one => start >= one.start && end <= one.end)
      const innermost = inside.sort((a, b) => b.start - a.start)[0]
      if (innermost === undefined) return
      const users = functions.filter(one => one.start > end && one.end <= innermost.end && one.name !== 'callback')
      const isUsed = users.some(one => new RegExp(`\\b${id.name}\\b`).test(source.text.slice(one.start, one.end)))
      if (isUsed) found.push(`${source.path} ${id.name}`)
    },
  }).visit(source.program)
  return found
}

function loopsOf(source: Source): Placed[] {
  const found: Placed[] = []
  const take = (node: Placed) => void found.push(node)
  new Visitor({
    WhileStatement: take,
    DoWhileStatement: take,
    ForStatement: node => {
      if (node.test === null) take(node)
    },
    ForOfStatement: node => {
      if (node.await) take(node)
    },
  }).visit(source.program)
  return found
}

/** Functions with their names; one that is only an argument of a call is a `callback`. */
function functionsOf(source: Source): Named[] {
  const found = new Map<number, Named>()
  const name = (node: unknown, as: string) => {
    if (isFunction(node)) found.set(node.start, { type: node.type, start: node.start, end: node.end, name: as })
  }
  const unnamed = (node: Placed) => void (found.has(node.start) || name(node, 'callback'))
  new Visitor({
    FunctionDeclaration: node => name(node, node.id?.name ?? 'callback'),
    MethodDefinition: ({ key, value }) => name(value, nameOf(key)),
    Property: ({ key, value }) => name(value, nameOf(key)),
    VariableDeclarator: ({ id, init }) => name(init, id.type === 'Identifier' ? id.name : 'callback'),
    FunctionExpression: unnamed,
    ArrowFunctionExpression: unnamed,
  }).visit(source.program)
  // A loop in a callback belongs to the enclosing named function.
  return [...found.values()].filter(one => one.name !== 'callback')
}

function isFunction(node: unknown): node is Placed {
  return typeof node === 'object' && node !== null && /Function/.test(String(Reflect.get(node, 'type')))
}

function nameOf(key: object): string {
  const name = String(Reflect.get(key, 'name') ?? Reflect.get(key, 'value'))
  return Reflect.get(key, 'type') === 'PrivateIdentifier' ? `#${name}` : name
}

/** A container that begins empty is meant to be filled. */
function isContainer(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false
  const part = (key: string): unknown => Reflect.get(node, key)
  if (part('type') === 'ArrayExpression') return isEmpty(part('elements'))
  const callee: unknown = part('type') === 'NewExpression' ? Reflect.get(Object(part('callee')), 'name') : undefined
  return typeof callee === 'string' && /^(Weak)?(Map|Set)$/.test(callee) && isEmpty(part('arguments'))
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0
}

/** The tables of a schema dump, by their names in the table of limits. */
export function tablesIn(schema: string): string[] {
  return [...schema.matchAll(/^create (?:unlogged )?table (\w+)/gm)].map(([, name]) => `table ${name}`)
}
