/**
 * PostgreSQL's programs are below a home that is closed to others: the account that they run as gets a copy, but only
 * if it needs one.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { linkLibraries, locateBinaries } from '#server/standalone/embedded/binaries.ts'
import { reachableBinaries } from '#server/standalone/embedded/reachable.ts'

const NOBODY = { prefix: [], uid: 65_534, gid: 65_534 }

let outer: string
beforeAll(async () => {
  outer = await mkdtemp(join(tmpdir(), 'mooring-programs-'))
  await chmod(outer, 0o755)
})
afterAll(() => rm(outer, { recursive: true, force: true }))

async function installedIn(home: string, mode: number) {
  const { root, ...found } = await locateBinaries()
  const there = join(outer, home, 'postgres')
  await mkdir(join(outer, home))
  await promisify(execFile)('cp', ['-R', '-l', root, there])
  await chmod(join(outer, home), mode)
  const moved = (path: string) => join(there, path.slice(root.length))
  return { ...found, root: there, initdb: moved(found.initdb), postgres: moved(found.postgres) }
}

it('Programs are copied for another account, which can then run them', async context => {
  context.skip(process.getuid?.() !== 0, 'only root runs a program as another account')
  const closed = await installedIn('closed', 0o700)
  const copied = await reachableBinaries(closed, NOBODY, join(outer, 'spare'))
  expect(copied.root).toBe(join(outer, 'spare', closed.version))
  await linkLibraries(copied, join(outer, 'unused'))
  const { stdout } = await promisify(execFile)(copied.postgres, ['--version'], { uid: NOBODY.uid, gid: NOBODY.gid })
  expect(stdout).toContain(`PostgreSQL) ${closed.major}.`)
  expect(await reachableBinaries(closed, NOBODY, join(outer, 'spare'))).toEqual(copied)
})

it('Programs run in place for their own account, and where others have access', async () => {
  const open = await installedIn('open', 0o755)
  expect(await reachableBinaries(open, NOBODY, join(outer, 'none'))).toBe(open)
  const closed = { ...open, postgres: '/root/nowhere' }
  expect(await reachableBinaries(closed, { prefix: [] }, join(outer, 'none'))).toBe(closed)
})
