/**
 * Confines a dialling process: V8's heap limit is below the limit on the whole process, and Node's permission model
 * forbids writing files, reading anything but our code, starting programs, threads and native add-ons.
 *
 * Called by `dial-process.ts`.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The packages that a dialling process's code imports in a checkout; in the built package they are part of our own
 * files. A test compares them with its imports.
 */
export const CHILD_PACKAGES: readonly string[] = import.meta.url.endsWith('.ts') ? ['ipaddr.js', 'pg', 'zod'] : []

/**
 * The arguments for Node. `maxRssBytes` limits the whole process; V8's old generation gets half of it. Throws an
 * `Error` that names a package that is not installed.
 */
export function childArguments(maxRssBytes: number): string[] {
  const here = dirname(fileURLToPath(import.meta.url))
  return [
    `--max-old-space-size=${Math.floor(maxRssBytes / 2 / (1 << 20))}`,
    // A catalog of 10,000 tables is read in 1.07 × its raw query instead of 1.13 × with 8 MiB: fewer collections.
    '--max-semi-space-size=16',
    '--disable-proto=delete',
    // Otherwise a signal from a process of the same user would open a debugger on the credentials in use.
    '--disable-sigusr1',
    '--permission',
    ...readable(dirname(dirname(dirname(here)))).map(path => `--allow-fs-read=${path}`),

    join(here, 'dial-child.ts'),
  ]
}

/**
 * Our code and the folders of the packages that it imports, without their parent folders, which may contain keyrings.
 */
function readable(root: string): string[] {
  const ours = ['package.json', 'shared', 'server'].map(name => join(root, name))
  return [...ours, ...packageFolders(CHILD_PACKAGES, fileURLToPath(import.meta.url))]
}

/**
 * The folders of packages, as imported from a file, and of all their dependencies. Each is listed under the path at
 * which the module loader finds it and under its real path: a package manager links packages from a store, nests them
 * by version, or places them beside the workspace.
 */
export function packageFolders(names: readonly string[], from: string): Set<string> {
  const folders = new Set<string>()
  const seen = new Set<string>()
  const add = (name: string, from: string, isRequired: boolean): void => {
    const linked = folderOf(name, from)
    if (linked === undefined) {
      if (isRequired) throw new Error(`The package ${name} is not installed where ${from} looks for it. Install again.`)
      return
    }
    const real = realpathSync(linked)
    folders.add(linked).add(real)
    if (seen.has(real)) return
    seen.add(real)
    const manifest = join(real, 'package.json')
    const { required, optional } = dependenciesOf(manifest)
    for (const dependency of required) add(dependency, manifest, true)
    for (const dependency of optional) add(dependency, manifest, false)
  }
  for (const name of names) add(name, from, true)
  return folders
}

function folderOf(name: string, from: string): string | undefined {
  const places = createRequire(from).resolve.paths(name) ?? []
  return places.map(place => join(place, name)).find(folder => existsSync(join(folder, 'package.json')))
}

function dependenciesOf(manifest: string): { required: string[]; optional: string[] } {
  const read: unknown = JSON.parse(readFileSync(manifest, 'utf8'))
  const names = (field: string): string[] => Object.keys(Object(Reflect.get(Object(read), field)))
  return { required: names('dependencies'), optional: [...names('optionalDependencies'), ...names('peerDependencies')] }
}
