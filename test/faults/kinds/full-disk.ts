/**
 * The disk of our own database is full: another file fills a small file system of its own (tmpfs). The server may end
 * over it; an operator then makes room and starts it.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Fault } from '#test/faults/fault.ts'
import type { OwnServer } from '#test/faults/own-server.ts'
import { query } from '#test/support/database/postgres.ts'

const run = promisify(execFile)
const SIZE = '200m'
const BLOCK = Buffer.alloc(64 * 1024)
const AGAIN_MS = 100

/** Mounts a small file system on a folder of its own. */
async function mountSmall(cleanup: AsyncDisposableStack): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'mooring-small-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', dir])
  cleanup.defer(async () => void (await run('umount', ['-l', dir])))
  return dir
}

async function cannotMount(): Promise<string | null> {
  try {
    await using cleanup = new AsyncDisposableStack()
    await mountSmall(cleanup)
    return null
  } catch {
    return 'a small file system cannot be mounted here (root may, outside of a confined container)'
  }
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'a')
  try {
    for (;;) await file.write(BLOCK)
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}

async function startIfGone(server: OwnServer): Promise<void> {
  const isUp = await query(server.url(), 'select 1').then(
    () => true,
    () => false,
  )
  if (isUp) return
  await server.kill()
  await server.start()
}

/** The fault. */
export const fullDisk: Fault = {
  name: 'full disk',
  isUnready: true,
  withinSeconds: 30,
  lastsSeconds: 20,
  leftOut: cannotMount,
  scene: async cleanup => ({ server: { dir: await mountSmall(cleanup) } }),
  async begin({ server }) {
    const filler = join(server.dir, 'filler')
    await fill(filler)
    // Fills the space that the server frees from its log, too.
    const timer = setInterval(() => void fill(filler).catch(() => undefined), AGAIN_MS)
    return async () => {
      clearInterval(timer)
      await rm(filler)
      await startIfGone(server)
    }
  },
}
