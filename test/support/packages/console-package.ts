/**
 * Builds the console: static files with hashed names, each next to its compressed forms, and a record of the sources
 * that they were built from. The new folder replaces the old one as a whole. Called by the build and by `npm start`.
 */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { build } from 'vite'

/** The sources of the files. */
const SOURCES = ['client', 'shared', 'package-lock.json', 'test/support/packages/console-package.ts']
const STAMP = 'sources.txt'
/** Files that can be compressed; fonts already are. */
const TEXT = /\.(?:html|js|css|svg)$/

/** Builds into a folder, whatever it contains, and returns the modules that the files consist of. */
export async function buildConsole(root: string, folder: string): Promise<readonly string[]> {
  await mkdir(dirname(folder), { recursive: true })
  const draft = await mkdtemp(`${folder}-`)
  try {
    const modules = await bundle(root, draft)
    await compress(draft)
    await writeFile(join(draft, STAMP), await stampOf(root))
    await rm(folder, { recursive: true, force: true })
    await rename(draft, folder)
    return modules
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

/** True if the folder holds the result of the current sources. */
export async function isBuilt(root: string, folder: string): Promise<boolean> {
  const stamp = await readFile(join(folder, STAMP), 'utf8').catch(() => null)
  return stamp !== null && stamp === (await stampOf(root))
}

async function bundle(root: string, outDir: string): Promise<string[]> {
  const built = await build({
    root: join(root, 'client/console'),
    configFile: false,
    logLevel: 'error',
    // For any path prefix, because the files refer to each other by relative paths.
    base: './',
    // The build is always that of the product, on any machine.
    mode: 'production',
    define: { 'process.env.NODE_ENV': '"production"' },
    oxc: { jsx: { runtime: 'automatic', development: false } },
    // The client uses a few functions of `shared`; unused schemas are left out.
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      sourcemap: false,
      reportCompressedSize: false,
      rolldownOptions: {
        treeshake: { moduleSideEffects: id => !/\/shared\//.test(id) || id.includes('node_modules') },
      },
    },
  })
  const outputs = 'close' in built ? [] : Array.isArray(built) ? built : [built]
  return outputs.flatMap(({ output }) => output.flatMap(file => (file.type === 'chunk' ? file.moduleIds : [])))
}

async function compress(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  for (const path of paths.filter(one => TEXT.test(one))) {
    const text = await readFile(path)
    await writeFile(`${path}.br`, await promisify(brotliCompress)(text))
    await writeFile(`${path}.gz`, await promisify(gzip)(text, { level: 9 }))
  }
}

/** Returns a hash of the sources. */
async function stampOf(root: string): Promise<string> {
  const hash = createHash('sha256')
  for (const source of SOURCES)
    for (const path of await filesOf(join(root, source))) hash.update(path).update(await readFile(path))
  return hash.digest('hex')
}

async function filesOf(path: string): Promise<string[]> {
  if (/\.[a-z]+$/.test(path)) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}
