/**
 * The reader of a command's output may close it early, as `head` does: the command completes its work, reports nothing
 * about it, and ends with the status that it would have had.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mooring-reader-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Runs a command whose output nobody reads: the other ends of these pipes are closed before it writes. */
async function unread(closed: readonly ('stdout' | 'stderr')[], ...words: string[]) {
  const env = { PATH: process.env['PATH'] ?? '', HOME: dir, MOORING_KEYRING: join(dir, 'keyring') }
  const child = spawn(process.execPath, ['server/cli.ts', ...words], { cwd: ROOT, env })
  const told = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    if (closed.includes(name)) child[name].destroy()
    else
      child[name].on('data', chunk => {
        told[name] += String(chunk)
      })
  }
  const [code, signal] = await once(child, 'close')
  return { code, signal, ...told }
}

it('A result that nobody reads is not a failure', async () => {
  expect(await unread(['stdout'], 'completion', 'bash')).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
})

it('A command that changes something runs to its end', async () => {
  expect(await unread(['stdout', 'stderr'], 'keyring', 'init', '--dir', join(dir, 'keyring'))).toMatchObject({
    code: 0,
    signal: null,
  })
  expect((await readdir(join(dir, 'keyring'))).sort()).toEqual(['web.json', 'worker.json'])
})

it('A failure keeps its status', async () => {
  expect(await unread(['stdout', 'stderr'], 'no-such-command')).toMatchObject({ code: 2, signal: null })
})
