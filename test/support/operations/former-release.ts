/**
 * The previous release, run from its source as shipped, with the packages of this checkout: for tests of an upgrade
 * that replaces one process after the other. Its processes and commands are real; only the folder is a copy.
 */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** An unpacked release. */
export interface FormerRelease {
  /** The root of the release, with `server/web.ts` and the others. */
  readonly dir: string
  remove(): Promise<void>
}

/**
 * Unpacks a release. Its packages are copied by hard links if the disk allows it: its dialling processes may read only
 * files under its own root, and a link to another folder leads out of it.
 */
export async function unpackRelease(version: string): Promise<FormerRelease> {
  const dir = await mkdtemp(join(tmpdir(), `mooring-${version}-`))
  await run('tar', ['-xzf', at(`../../fixtures/releases/${version}.tar.gz`), '-C', dir])
  const modules = at('../../../node_modules')
  await run('cp', ['-al', modules, join(dir, 'node_modules')]).catch(() =>
    cp(modules, join(dir, 'node_modules'), { recursive: true, verbatimSymlinks: true }),
  )
  // A package that is a link leads out, too.
  await rm(join(dir, 'node_modules/qs'), { recursive: true })
  await cp(`${modules}/qs`, join(dir, 'node_modules/qs'), { recursive: true, dereference: true })
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) }
}
