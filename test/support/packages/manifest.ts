/**
 * Shared by both packages: the manifest's fields from the checkout's own, its exact versions as ranges, and the papers.
 * Called by the builds.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const Versions = z.record(z.string(), z.string())
const Manifest = z.object({
  version: z.string(),
  license: z.string(),
  dependencies: Versions,
  optionalDependencies: Versions,
  devDependencies: Versions,
})

/** The checkout's manifest. */
export type Manifest = z.infer<typeof Manifest>

/** Reads the checkout's manifest. */
export async function readManifest(root: string): Promise<Manifest> {
  return Manifest.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
}

/** Ranges that begin with the tested versions. Throws for a package that the checkout does not have. */
export function rangesOf(
  { dependencies, devDependencies }: Manifest,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    [...names].sort().map(name => {
      const version = dependencies[name] ?? devDependencies[name]
      if (version === undefined) throw new Error(`the checkout has no dependency ${name}`)
      return [name, `^${version}`]
    }),
  )
}

/** Writes a package's manifest, README, and licence. */
export async function writePapers(
  root: string,
  folder: string,
  { manifest, readme }: { readonly manifest: object; readonly readme: string },
): Promise<void> {
  const { version, license } = await readManifest(root)
  const { name, description, ...rest } = Object(manifest)
  const whole = { name, version, description, license, type: 'module', ...rest }
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(whole, null, 2)}\n`)
  await writeFile(join(folder, 'README.md'), readme)
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'))
}

/** Names of the packages that built files import, without paths within them. */
export function packagesIn(imports: Iterable<string>): string[] {
  const names = [...imports]
    .filter(id => !/^[./]|^node:/.test(id))
    .map(id =>
      id
        .split('/')
        .slice(0, id.startsWith('@') ? 2 : 1)
        .join('/'),
    )
  return [...new Set(names)].sort()
}
