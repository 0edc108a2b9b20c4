/**
 * Unused parts of the language, and state or work at import.
 *
 * A module with state or work at import cannot be given another clock, another key or a second database; and code that
 * reads the environment anywhere cannot be configured.
 */
import { type Program, Visitor, type VisitorObject } from 'oxc-parser'
import { isTest, type Source, type Violation } from './source.ts'

/**
 * Programs rather than modules: they act at import. `dial-child.ts` is the dialler's child process,
 * `watchdog-thread.ts` and `read-part.ts` are threads.
 */
const PROGRAMS =
  /^server\/(main|web|worker|quarantine|cli|mooring)\.ts$|^server\/process\/watchdog-thread\.ts$|^server\/net\/process\/dial-child\.ts$|^server\/api\/schemas\/reader\/read-part\.ts$|^client\/(console\/main\.tsx?$|examples\/)/
/** Files that re-export other files' exports. */
const PUBLIC_ENTRIES = ['client/index.ts', 'client/node.ts', 'client/endpoint.ts']

/** Reports constructs that the house rules exclude. */
export function checkLanguage(source: Source): Violation[] {
  const found: Violation[] = []
  const report = (rule: string) => (node: { readonly start: number }) => {
    found.push({
      file: source.path,
      line: source.lineOf(node.start),
      rule,
      detail: source.text.slice(node.start).split('\n')[0] ?? '',
    })
  }
  new Visitor({ ...constructs(source, report), ...environment(source, report) }).visit(source.program)
  if (!isTest(source.path)) new Visitor(importTimeAwait(source, report)).visit(source.program)
  if (!isTest(source.path)) for (const statement of source.program.body) checkStatement(source, statement, report)
  return found
}

type Report = (rule: string) => (node: { readonly start: number }) => void

function constructs(source: Source, report: Report): VisitorObject {
  return {
    TSAnyKeyword: report('any'),
    TSEnumDeclaration: report('enum'),
    ExportDefaultDeclaration: report('default-export'),
    ExportSpecifier: node =>
      'name' in node.exported && node.exported.name === 'default' && report('default-export')(node),
    TSParameterProperty: report('parameter-property'),
    // `declare module 'x'` extends a library's types and `declare global` the global ones: neither declares a
    // namespace.
    TSModuleDeclaration: node => node.id.type !== 'Literal' && report('namespace')(node),
    ExportAllDeclaration: report('barrel'),
    ExportNamedDeclaration: node => {
      if (node.source !== null && node.exportKind !== 'type' && !PUBLIC_ENTRIES.includes(source.path))
        report('barrel')(node)
    },
  }
}

/**
 * The only files that may read the environment: the server's configuration, the client's for lease keys, and that of a
 * test's process.
 */
const CONFIGS = ['server/config.ts', 'client/node/config.ts', 'server/testing.ts']

function environment(source: Source, report: Report): VisitorObject {
  if (isTest(source.path) || CONFIGS.includes(source.path)) return {}
  const nameOf = (property: object): unknown => Reflect.get(property, 'name') ?? Reflect.get(property, 'value')
  return {
    MemberExpression: ({ object, property, start }) => {
      // `process.env`, and `globalThis.process.env`.
      const owner = object.type === 'MemberExpression' ? nameOf(object.property) : nameOf(object)
      if (owner === 'process' && nameOf(property) === 'env') report('environment')({ start })
    },
    ImportDeclaration: node => {
      if (!/^(node:)?process$/.test(node.source.value)) return
      const harmless = node.specifiers.every(one => {
        return one.type === 'ImportSpecifier' && 'name' in one.imported && one.imported.name !== 'env'
      })
      if (!harmless) report('environment')(node)
    },
  }
}

/** `await` outside of any function. */
function importTimeAwait(source: Source, report: Report): VisitorObject {
  if (PROGRAMS.test(source.path)) return {}
  let depth = 0
  const enter = (): void => {
    depth++
  }
  const leave = (): void => {
    depth--
  }
  return {
    FunctionDeclaration: enter,
    FunctionExpression: enter,
    ArrowFunctionExpression: enter,
    'FunctionDeclaration:exit': leave,
    'FunctionExpression:exit': leave,
    'ArrowFunctionExpression:exit': leave,
    AwaitExpression: node => depth === 0 && report('work-at-import')(node),
  }
}

const HARMLESS = /^(Import|Export|Function|Class|TS)/

function checkStatement(source: Source, statement: Program['body'][number], report: Report): void {
  const inner = statement.type === 'ExportNamedDeclaration' ? (statement.declaration ?? statement) : statement
  if (inner.type !== 'VariableDeclaration') {
    if (!HARMLESS.test(inner.type) && !PROGRAMS.test(source.path)) report('work-at-import')(inner)
    return
  }
  if (inner.kind !== 'const') report('module-state')(inner)
  for (const { init } of inner.declarations) if (isEmptyContainer(init)) report('module-state')(inner)
}

/** A container that is created empty is meant to be filled: it is state, even as a `const`. */
function isEmptyContainer(init: { readonly type: string; readonly start: number } | null): boolean {
  if (init === null) return false
  const list = (key: string): unknown => Reflect.get(init, key)
  if (init.type === 'ArrayExpression') return isEmpty(list('elements'))
  if (init.type === 'ObjectExpression') return isEmpty(list('properties'))
  const callee: unknown = init.type === 'NewExpression' ? list('callee') : null
  const name: unknown = typeof callee === 'object' && callee !== null ? Reflect.get(callee, 'name') : null
  return typeof name === 'string' && /^(Weak)?(Map|Set)$/.test(name) && isEmpty(list('arguments'))
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0
}
