/** `npm start` without any set-up: a database of its own, keys shown once, requests to paste, a clean end. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { lookUp } from '#server/standalone/embedded/process.ts'
import { freePort } from '#test/support/operations/free-port.ts'
import { type Running, startEntry, startScript } from '#test/support/operations/processes.ts'

// Each test starts several processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let dir: string
let port: number
const running: Running[] = []
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mooring-local-'))
  port = await freePort()
})
afterAll(async () => {
  await Promise.all(running.map(one => one.stop()))
  await rm(dir, { recursive: true, force: true })
})

const env = () => ({ MOORING_DATA_DIR: dir, PORT: String(port) })

function start(): Running {
  const one = startScript(env(), 'start')
  running.push(one)
  return one
}

const postmasterFile = () => join(dir, 'postgres/cluster/data/postmaster.pid')

async function postmaster(): Promise<number> {
  return Number((await readFile(postmasterFile(), 'utf8')).split('\n')[0])
}

const key = (text: string, mode: string) => new RegExp(`sk_${mode}_[0-9A-Za-z]{36}`).exec(text)?.[0] ?? ''
const list = async (token: string) => {
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`http://127.0.0.1:${port}/v1/datasources`, { headers })
  const body = (await response.json()) as { data: { status: string }[] }
  return { status: response.status, body }
}

let testKey: string

it('A first start makes what it needs, prints two keys and a request for each dialect, and the requests work', async () => {
  const one = start()
  await one.line(/web and worker are running/)
  const text = one.out.join('\n')
  testKey = key(text, 'test')
  expect(key(text, 'live')).toMatch(/^sk_live_/)
  expect(text).toContain(`Mooring is at http://localhost:${port}`)
  expect(text).toMatch(/Local mode: databases on loopback may be registered/)
  const commands = text.match(/^ {2}curl [\s\S]*?'$/gm) ?? []
  expect(commands).toHaveLength(2)
  const answers = []
  for (const command of commands) {
    const { stdout } = await promisify(execFile)('bash', ['-c', command])
    answers.push(JSON.parse(stdout))
  }
  expect(answers).toMatchObject([
    { success: true, data: { name: 'Sample', is_active: true } },
    { object: 'datasource', status: 'active', livemode: false },
  ])
  expect((await stat(join(dir, 'keyring/worker.json'))).mode & 0o777).toBe(0o600)
  expect((await list(testKey)).body.data.map(one => one.status)).toEqual(['active', 'active'])
})

it('It listens on loopback alone, and SIGTERM through npm ends it and its database', async () => {
  const [one] = running
  if (one === undefined) throw new Error('it never ran')
  const pid = await postmaster()
  await one.stop()
  await expect(list(testKey)).rejects.toThrow()
  expect(await lookUp(pid)).toBeNull()
  expect(one.out.join('\n')).toContain('"msg":"stopped"')
  expect(one.out.join('\n')).not.toContain('"level":50')
})

it('A later start uses the existing folder and shows no key', async () => {
  const one = start()
  await one.line(/web and worker are running/)
  expect(one.out.join('\n')).not.toContain('sk_')
  const { status, body } = await list(testKey)
  expect([status, body.data.length]).toEqual([200, 2])
  await one.stop()
})

it('A signal in the midst of a start ends it, too, and leaves no database behind', async () => {
  const seen = new AbortController()
  const began = once(seen.signal, 'abort')
  const watcher = watch(join(dir, 'postgres/cluster/data'), (_, file) => {
    if (file === 'postmaster.pid') seen.abort()
  })
  const one = startEntry('main', env())
  running.push(one)
  await began
  watcher.close()
  expect(await one.stop()).toBe(0)
  await expect(stat(postmasterFile())).rejects.toMatchObject({ code: 'ENOENT' })
})
