/**
 * PostgreSQL programs from Debian's archive, from suites that are not installed on this machine: downloaded once,
 * verified with the hash in the suite's index, and unpacked into a folder of their own under `node_modules`. Nothing is
 * installed.
 *
 * It must never run a package's installation scripts. Called by `npm run test:upgrades`.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'

const run = promisify(execFile)
const ARCHIVE = 'https://deb.debian.org/debian'
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/debian/', import.meta.url))
const LIBRARIES = 'usr/lib/x86_64-linux-gnu'
const INDEX_BYTES = 256 << 20
const FETCH_MS = 120_000

/** The packages of one suite that contain the programs of one major version. */
export interface Suite {
  readonly name: string
  readonly major: number
  readonly packages: readonly string[]
  /** True if the programs need a newer C library than this machine has: all of their libraries are included. */
  readonly ownLibraries: boolean
}

/** The programs of a major version, ready to run here. */
export interface Programs {
  readonly major: number
  /** The folder of the unmodified programs. */
  readonly folder: string
  /** The environment variables that they need, including for programs that they start. */
  readonly env: Readonly<Record<string, string>>
  /** Returns the path of a program that runs without these variables. */
  program(name: string): string
}

/** Thrown if the archive has no such package; its message is a sentence. */
export class Missing extends Error {
  override readonly name = 'Missing'
}

const Entry = z.object({ filename: z.string(), sha256: z.string(), depends: z.string() })
type Entry = z.infer<typeof Entry>

/** Downloads and unpacks the programs of a suite, unless they exist. Throws `Missing`. */
export async function programsOf(suite: Suite): Promise<Programs> {
  const root = join(CACHE, suite.name)
  if (!(await exists(root))) await unpack(suite, root)
  const folder = join(root, `usr/lib/postgresql/${suite.major}/bin`)
  const libraries = [join(root, LIBRARIES), join(root, `usr/lib/postgresql/${suite.major}/lib`)].join(':')
  await wrap({ root, folder, libraries }, suite)
  return {
    major: suite.major,
    folder,
    env: suite.ownLibraries ? {} : { LD_LIBRARY_PATH: libraries },
    program: name => join(root, 'run', name),
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function unpack(suite: Suite, root: string): Promise<void> {
  const index = await indexOf(suite.name)
  const aside = `${root}-unfinished`
  await rm(aside, { recursive: true, force: true })
  await mkdir(aside, { recursive: true })
  for (const name of suite.ownLibraries ? withLibraries(suite.packages, index) : suite.packages) {
    const entry = index.get(name)
    if (entry === undefined) throw new Missing(`The archive's suite ${suite.name} has no package ${name}.`)
    const bytes = await fetched(`${ARCHIVE}/${entry.filename}`)
    if (createHash('sha256').update(bytes).digest('hex') !== entry.sha256)
      throw new Error(`${entry.filename} is not what the index of ${suite.name} says.`)
    const file = join(aside, 'package.deb')
    await writeFile(file, bytes)
    await run('dpkg-deb', ['-x', file, aside])
    await rm(file)
  }
  await rename(aside, root)
}

/** Returns the packages with the libraries that they depend on, directly or indirectly. */
function withLibraries(packages: readonly string[], index: ReadonlyMap<string, Entry>): Set<string> {
  const all = new Set(packages)
  // A set is iterated in order of insertion, including elements added meanwhile.
  for (const name of all) {
    for (const [, needed = ''] of (index.get(name)?.depends ?? '').matchAll(/(?:^|,)\s*([a-z0-9.+-]+)/g))
      if (/^(?:lib|zlib)/.test(needed) && index.has(needed)) all.add(needed)
  }
  return all
}

async function indexOf(suite: string): Promise<Map<string, Entry>> {
  const packed = join(CACHE, `${suite}.xz`)
  await mkdir(CACHE, { recursive: true })
  await writeFile(packed, await fetched(`${ARCHIVE}/dists/${suite}/main/binary-amd64/Packages.xz`))
  const { stdout } = await run('xz', ['-dc', packed], { maxBuffer: INDEX_BYTES })
  const field = (text: string, name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? ''
  const entries = stdout.split('\n\n').map(text => {
    const entry = { filename: field(text, 'Filename'), sha256: field(text, 'SHA256'), depends: field(text, 'Depends') }
    return [field(text, 'Package'), Entry.parse(entry)] as const
  })
  return new Map(entries)
}

async function fetched(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) })
  if (response.status === 404) throw new Missing(`The archive has no ${url}.`)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return Buffer.from(await response.arrayBuffer())
}

/** Writes a script for each program that starts it with its own libraries. */
async function wrap(
  { root, folder, libraries }: { root: string; folder: string; libraries: string },
  { ownLibraries }: Suite,
): Promise<void> {
  await mkdir(join(root, 'run'), { recursive: true })
  const loader = join(root, LIBRARIES, 'ld-linux-x86-64.so.2')
  const words = ownLibraries ? `'${loader}' --library-path '${libraries}'` : `env LD_LIBRARY_PATH='${libraries}'`
  for (const name of await readdir(folder)) {
    const script = join(root, 'run', name)
    await writeFile(script, `#!/bin/sh\nexec ${words} '${join(folder, name)}' "$@"\n`)
    await chmod(script, 0o755)
  }
}
