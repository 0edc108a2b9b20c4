/**
 * Declarations of `mooring-client`: the compiler's own for the client's files, and one flat file for the types that
 * they use from `shared` and from the router. Called by `client-package.ts`.
 */
import { execFile } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { promisify } from 'node:util'
import { CLIENT_ENTRIES } from './client-entries.ts'
import { flatTypes } from './flat-types.ts'

const FLAT = 'types/flat.d.ts'
const FLAT_FROM = /^(shared|server)\//
/** `… from '…'` and `import('…').Name`, with the imported names. */
const STATEMENT = /\b(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from\s+['"]([^'"]+)['"]/g
const INLINE = /\bimport\(['"]([^'"]+)['"]\)\.(\w+)/g
const SPECIFIER = /(\bfrom\s+|\bimport\()(['"])([^'"]+)\2/g

/** Writes `index.d.ts`, `node.d.ts` and `endpoint.d.ts`, and their parts into `types/`. */
export async function buildDeclarations(root: string, folder: string): Promise<void> {
  const emitted = await mkdtemp(join(root, 'node_modules/.declarations-'))
  try {
    await emitDeclarations(root, Object.values(CLIENT_ENTRIES), emitted)
    const reached = await reachedFrom(Object.values(CLIENT_ENTRIES), emitted)
    const wanted = new Map<string, Set<string>>()
    for (const [path, text] of reached) {
      for (const { file, names } of takenBy(path, text))
        wanted.set(file, new Set([...(wanted.get(file) ?? []), ...names]))
      await write(join(folder, placeOf(path)), rewritten(path, text))
    }
    await write(join(folder, FLAT), flatTypes(root, wanted))
    // A consumer who emits declarations can only name in them what an entry exports.
    await appendFile(join(folder, 'index.d.ts'), `export type * from './${FLAT.replace(/\.d\.ts$/, '.js')}';\n`)
  } finally {
    await rm(emitted, { recursive: true, force: true })
  }
}

/**
 * Makes the compiler emit the declarations of files, given by their paths from the root, and of everything that they
 * import types from.
 */
export async function emitDeclarations(root: string, paths: readonly string[], outDir: string): Promise<void> {
  const config = join(outDir, 'tsconfig.json')
  const options = { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir, rootDir: root }
  const files = paths.map(path => join(root, path))
  await writeFile(
    config,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions: options, files, include: [] }),
  )
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
  await promisify(execFile)(process.execPath, [join(dirname(compiler), 'bin/tsc'), '-p', config])
}

/** The client's declarations that the entries reach, by the path of their source. */
async function reachedFrom(entries: readonly string[], emitted: string): Promise<Map<string, string>> {
  const reached = new Map<string, string>()
  const open = [...entries]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue
    const text = await readFile(join(emitted, path.replace(/\.ts$/, '.d.ts')), 'utf8')
    reached.set(path, text)
    const from = path
    const targets = [...text.matchAll(SPECIFIER)].map(([, , , specifier = '']) => sourceOf(from, specifier))
    open.push(...targets.filter(target => target !== null).filter(target => !FLAT_FROM.test(target)))
  }
  return reached
}

/** The path of an imported source from the root; null for a package. */
function sourceOf(from: string, specifier: string): string | null {
  if (specifier.startsWith('#')) return specifier.slice(1)
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : null
}

function takenBy(path: string, text: string): { file: string; names: string[] }[] {
  const statements = [...text.matchAll(STATEMENT)].map(([, names = '', specifier = '']) => ({
    specifier,
    names: names.split(',').map(name =>
      name
        .replace(/^\s*type\s/, '')
        .replace(/\sas\s.*/, '')
        .trim(),
    ),
  }))
  const inline = [...text.matchAll(INLINE)].map(([, specifier = '', name = '']) => ({ specifier, names: [name] }))
  return [...statements, ...inline].flatMap(({ specifier, names }) => {
    const file = sourceOf(path, specifier)
    return file !== null && FLAT_FROM.test(file) ? [{ file, names: names.filter(name => name !== '') }] : []
  })
}

/** The place of a declaration in the package. */
function placeOf(path: string): string {
  const entry = Object.entries(CLIENT_ENTRIES).find(([, source]) => source === path)
  if (entry !== undefined) return `${entry[0]}.d.ts`
  return FLAT_FROM.test(path) ? FLAT : `types/${path.slice('client/'.length).replace(/\.ts$/, '.d.ts')}`
}

function rewritten(path: string, text: string): string {
  const here = posix.dirname(placeOf(path))
  return text.replace(SPECIFIER, (...groups: readonly string[]) => {
    const [whole = '', before = '', quote = '', specifier = ''] = groups
    const source = sourceOf(path, specifier)
    if (source === null) return whole
    const to = posix.relative(here, placeOf(source)).replace(/\.d\.ts$/, '.js')
    return `${before}${quote}${to.startsWith('.') ? to : `./${to}`}${quote}`
  })
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
