/**
 * The lockfile of the built package `mooring`: the part of the checkout's own that the package depends on, so that `npm
 * ci` in the folder installs the tested versions. It never reaches a registry, because npm does not publish lockfiles.
 * Called by `server-package.ts`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const Names = z.record(z.string(), z.string()).default({})
const Locked = z.looseObject({
  dependencies: Names,
  optionalDependencies: Names,
  dev: z.boolean().optional(),
  devOptional: z.boolean().optional(),
})
const Lock = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), Locked) })
const Package = z.object({ name: z.string(), version: z.string(), dependencies: Names, optionalDependencies: Names })

type Places = z.infer<typeof Lock>['packages']

/**
 * Writes `package-lock.json` next to the manifest of a built package. Throws for a package that the checkout has not
 * locked.
 */
export async function writeLock(root: string, folder: string): Promise<void> {
  const read = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as unknown
  const { packages } = Lock.parse(await read(join(root, 'package-lock.json')))
  const manifest: unknown = await read(join(folder, 'package.json'))
  const { name, version, dependencies, optionalDependencies } = Package.parse(manifest)
  const required = reach(packages, Object.keys(dependencies), 'dependencies')
  const optional = reach(packages, Object.keys(optionalDependencies), 'optionalDependencies')
  const kept = [...new Set([...required, ...optional])].sort()
  const places = kept.map(place => [place, entryOf(packages, place, !required.has(place))] as const)
  const lock = {
    name,
    version,
    lockfileVersion: 3,
    requires: true,
    packages: Object.fromEntries([['', manifest], ...places]),
  }
  await writeFile(join(folder, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`)
}

/**
 * Returns the places of packages and of everything that they depend on. Another platform may lack an optional
 * dependency.
 */
function reach(packages: Places, names: readonly string[], kind: 'dependencies' | 'optionalDependencies'): Set<string> {
  const found = new Set<string>()
  const add = (name: string, from: string, isOptional: boolean): void => {
    const place = placeOf(packages, name, from)
    if (place === undefined && isOptional) return
    if (place === undefined) throw new Error(`package-lock.json has no ${name} for ${from || 'the package'}`)
    if (found.has(place)) return
    found.add(place)
    for (const next of Object.keys(packages[place]?.dependencies ?? {})) add(next, place, false)
    for (const next of Object.keys(packages[place]?.optionalDependencies ?? {})) add(next, place, true)
  }
  for (const name of names) add(name, '', kind === 'optionalDependencies')
  return found
}

/** Node's own search: first the folder of the package itself, then the folders around it. */
function placeOf(packages: Places, name: string, from: string): string | undefined {
  const around = from.split('/node_modules/')
  return around
    .map((_, at) => around.slice(0, around.length - at).join('/node_modules/'))
    .concat('')
    .map(folder => (folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`))
    .find(place => packages[place] !== undefined)
}

function entryOf(packages: Places, place: string, isOptional: boolean): object {
  const { dev, devOptional, dependencies, optionalDependencies, ...entry } = packages[place] ?? Locked.parse({})
  const some = (names: object) => Object.keys(names).length > 0
  return {
    ...entry,
    ...(some(dependencies) ? { dependencies } : {}),
    ...(some(optionalDependencies) ? { optionalDependencies } : {}),
    ...(isOptional ? { optional: true } : {}),
  }
}
