/**
 * Words without meaning, which therefore attract everything: no file, folder or declared name may contain one.
 *
 * Members of objects are exempt: a contract often fixes them.
 */
import { Visitor } from 'oxc-parser'
import { isTest, type Source, type Violation } from './source.ts'

/** Parameters that do not say what they are; in tests, only the first. */
const WITHOUT_NOUN: readonly unknown[] = ['of', 'told', 'shown', 'spelled', 'says']

const FORBIDDEN = ['helper', 'util', 'common', 'manager', 'misc', 'lib']

/** Reports forbidden words in the path and in the names that a file declares. */
export function checkNames(source: Source): Violation[] {
  const inPath = forbiddenWord(source.path.replaceAll(/[^A-Za-z]+/g, '_'))
  const found: Violation[] = inPath === null ? [] : [violation(source, 0, `"${inPath}" in the file's path`)]
  for (const { name, start } of declaredNames(source)) {
    const word = forbiddenWord(name)
    if (word !== null) found.push(violation(source, start, `"${word}" in ${name}`))
  }
  const words = isTest(source.path) ? WITHOUT_NOUN.slice(0, 1) : WITHOUT_NOUN
  for (const { name, start } of parameters(source))
    if (words.includes(name))
      found.push(violation(source, start, `"${name}" as a parameter: use the noun, or destructure it`))
  return found
}

/** The parameters that are one name. */
function parameters(source: Source): Named[] {
  const found: Named[] = []
  const callable = ({ params }: { readonly params: readonly Pattern[] }): void => {
    for (const parameter of params) {
      const { name, start } = { name: undefined, ...parameter }
      if (typeof name === 'string') found.push({ name, start })
    }
  }
  new Visitor({
    FunctionDeclaration: callable,
    FunctionExpression: callable,
    ArrowFunctionExpression: callable,
    TSFunctionType: callable,
    TSMethodSignature: callable,
  }).visit(source.program)
  return found
}

function forbiddenWord(name: string): string | null {
  // `userHelper`, `user_helper` and `URLHelper` contain the word; `utility` is another word.
  const words = name.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? []
  return words.map(word => word.toLowerCase()).find(word => FORBIDDEN.includes(word.replace(/s$/, ''))) ?? null
}

interface Named {
  readonly name: string
  readonly start: number
}

/** The relevant part of a binding pattern: an identifier or something that holds further patterns. */
interface Pattern {
  readonly type: string
  readonly start: number
}

function declaredNames(source: Source): Named[] {
  const names: Named[] = []
  const one = (node: (Pattern & { readonly name?: unknown }) | null): void => {
    if (node !== null && typeof node.name === 'string') names.push({ name: node.name, start: node.start })
  }
  const pattern = (node: Pattern): void => {
    for (const identifier of identifiersIn(node)) one(identifier)
  }
  const callable = (node: { readonly id?: Pattern | null; readonly params: readonly Pattern[] }): void => {
    one(node.id ?? null)
    for (const parameter of node.params) pattern(parameter)
  }
  new Visitor({
    VariableDeclarator: node => pattern(node.id),
    FunctionDeclaration: callable,
    FunctionExpression: callable,
    ArrowFunctionExpression: callable,
    CatchClause: node => node.param !== null && pattern(node.param),
    ClassDeclaration: node => one(node.id),
    MethodDefinition: node => one(node.key),
    TSInterfaceDeclaration: node => one(node.id),
    TSTypeAliasDeclaration: node => one(node.id),
    TSTypeParameter: node => one(node.name),
    ImportNamespaceSpecifier: node => one(node.local),
    ImportSpecifier: node => 'name' in node.imported && node.imported.name !== node.local.name && one(node.local),
  }).visit(source.program)
  return names
}

function identifiersIn(node: unknown): (Pattern & { name?: unknown })[] {
  if (!isPattern(node)) return []
  if (node.type === 'Identifier') return [node]
  const of = (key: string): unknown => Reflect.get(node, key)
  const list = (key: string): unknown[] => [of(key)].flat()
  if (node.type === 'ObjectPattern') return list('properties').flatMap(identifiersIn)
  if (node.type === 'Property') return identifiersIn(of('value'))
  if (node.type === 'ArrayPattern') return list('elements').flatMap(identifiersIn)
  if (node.type === 'RestElement') return identifiersIn(of('argument'))
  if (node.type === 'AssignmentPattern') return identifiersIn(of('left'))
  return node.type === 'TSParameterProperty' ? identifiersIn(of('parameter')) : []
}

function isPattern(node: unknown): node is Pattern {
  return typeof node === 'object' && node !== null && 'type' in node && 'start' in node
}

function violation(source: Source, start: number, detail: string): Violation {
  return { file: source.path, line: source.lineOf(start), rule: 'name', detail }
}
