/**
 * A file's imports in every form: statements, re-exports, `import()`, types, and files started by their URL.
 *
 * A specifier that is computed at run time could hide any arrow: it is reported.
 */
import { builtinModules } from 'node:module'
import { dirname, posix } from 'node:path'
import { Visitor } from 'oxc-parser'
import type { Source, Violation } from './source.ts'

/** The target of an import: one of our files, a package, or a module of Node. */
export interface Target {
  readonly kind: 'file' | 'package' | 'builtin'
  readonly name: string
}

/** One import of a file. */
export interface Import {
  readonly specifier: string
  readonly target: Target
  readonly line: number
  /** True when all of it is erased before the program runs: `import type`, not `import { type … }`. */
  readonly typeOnly: boolean
}

interface Found {
  readonly at: number
  /** Null when it is not a literal. */
  readonly specifier: string | null
  readonly typeOnly: boolean
}

/** Returns all imports of a file with a literal target. */
export function importsOf(source: Source): Import[] {
  return find(source).flatMap(({ at, specifier, typeOnly }) =>
    specifier === null
      ? []
      : [{ specifier, typeOnly, line: source.lineOf(at), target: resolve(source.path, specifier) }],
  )
}

/** Reports computed imports, and specifiers of our files that break the house form. */
export function checkSpecifiers(source: Source): Violation[] {
  const violation = (at: number, detail: string): Violation => {
    return { file: source.path, line: source.lineOf(at), rule: 'specifier', detail }
  }
  return find(source).flatMap(({ at, specifier }) => {
    if (specifier === null) return [violation(at, 'an import whose target is computed')]
    const relative = specifier.startsWith('.')
    // An example is copied into another project, where `#…` has no meaning.
    const leaves = relative && !/^\.\/[^/]+$/.test(specifier) && !source.path.startsWith('client/examples/')
    if (leaves) return [violation(at, `${specifier} leaves the folder: use #…`)]
    if ((relative || specifier.startsWith('#')) && !/\.\w+$/.test(specifier))
      return [violation(at, `${specifier} has no extension`)]
    if (builtinModules.includes(specifier)) return [violation(at, `${specifier} without node:`)]
    return []
  })
}

function find({ program, text }: Source): Found[] {
  const found: Found[] = []
  const add = (at: number, specifier: string | null, typeOnly: boolean): void => {
    found.push({ at, specifier, typeOnly })
  }
  new Visitor({
    ImportDeclaration: node => add(node.start, node.source.value, node.importKind === 'type'),
    ExportNamedDeclaration: node => {
      if (node.source !== null) add(node.start, node.source.value, node.exportKind === 'type')
    },
    ExportAllDeclaration: node => add(node.start, node.source.value, node.exportKind === 'type'),
    ImportExpression: node => add(node.start, literal(node.source), false),
    TSImportType: node => add(node.start, literal(node.source), true),
    CallExpression: node => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require') add(node.start, null, false)
    },
    // `new URL('./child.ts', import.meta.url)` names a file that runs as a program of its own.
    NewExpression: node => {
      const path = node.arguments[0] === undefined ? null : literal(node.arguments[0])
      const here = text.slice(node.start, node.end).includes('import.meta.url')
      if (here && path !== null && /\.tsx?$/.test(path)) add(node.start, path, false)
    },
  }).visit(program)
  // `new URL('x.ts', …)` needs no `./`.
  return found.map(one =>
    /^[\w-]+\.tsx?$/.test(one.specifier ?? '') ? { ...one, specifier: `./${one.specifier}` } : one,
  )
}

function literal(node: { type: string; value?: unknown }): string | null {
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : null
}

/** The target of a literal specifier in the file `from`. */
export function resolve(from: string, specifier: string): Target {
  if (specifier.startsWith('#')) return { kind: 'file', name: specifier.slice(1) }
  if (specifier.startsWith('.')) return { kind: 'file', name: posix.join(dirname(from), specifier) }
  const bare = specifier.replace(/^node:/, '')
  if (specifier.startsWith('node:') || builtinModules.includes(bare)) return { kind: 'builtin', name: bare }
  // Part of a package that runs where the rest does not.
  if (specifier === '@trpc/server/observable') return { kind: 'package', name: specifier }
  const depth = specifier.startsWith('@') ? 2 : 1
  return { kind: 'package', name: specifier.split('/').slice(0, depth).join('/') }
}
