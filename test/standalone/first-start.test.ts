/**
 * A first start loses nothing: killed before any of its steps, or unable to continue, it leaves a folder in which the
 * next start prints valid keys, and no unseen key stays valid. A later start prints the command that makes a key.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { freePort } from '#test/support/operations/free-port.ts'
import { type Running, startEntry, startMainBehind } from '#test/support/operations/processes.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const KILLER = `--import ${new URL('./kill-at.ts', import.meta.url)}`
const RUNNING = /web and worker are running/

let dir: string
let port: number
const running: Running[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mooring-first-'))
  port = await freePort()
})
afterEach(async () => {
  // A refused start ends by itself; one that a failed test has left would block the next one.
  await Promise.all(running.splice(0).map(one => one.stop()))
})
afterAll(async () => {
  await rm(dir, { recursive: true, force: true })
})

const env = (more: Record<string, string> = {}) => ({ MOORING_DATA_DIR: dir, PORT: String(port), ...more })

function start(more: Record<string, string> = {}): Running {
  const one = startEntry('main', env(more))
  running.push(one)
  return one
}

/** The keys that a start has printed. */
const keysIn = (one: Running) => one.out.join('\n').match(/(?<=^ {2}(test|live) {2})sk_\w+$/gm) ?? []

async function statusOf(key: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/v1/datasources`, { headers: { 'X-API-Key': key } })).status
}

async function keyRows(): Promise<{ id: string; mode: string; revoked: boolean }[]> {
  const cluster = join(dir, 'postgres/cluster')
  const [password, at] = await Promise.all(['password', 'port'].map(name => readFile(join(cluster, name), 'utf8')))
  const url = `postgres://postgres:${password}@127.0.0.1:${Number(at)}/mooring?sslmode=disable`
  return (await query(url, 'select id, mode, revoked_at is not null as revoked from api_keys order by id')) as never
}

it('A start that is killed before any of its steps leaves a usable folder to the next one', async () => {
  const steps = [
    'writeFile password', // the cluster is begun
    'rename cluster', // it is made, and not yet in its place
    'writeFile port', // its server runs, and nobody remembers at which port
    'link web.json', // of a keyring there are drafts alone
    'link worker.json', // and one half
    'rename first-start.json', // nothing says that keys are to be shown
    'rename sample-password', // the organization is there, and the web tier listens
    'rename first-start.json 1', // a key is minted
    'rename first-start.json 2', // one is stored, and another one minted
    'rm first-start.json', // both are printed
  ]
  for (const step of steps) {
    const one = start({ NODE_OPTIONS: KILLER, KILL_AT: step })
    await one.ended
    expect(one.child.signalCode, `${step}: ${one.err()}`).toBe('SIGKILL')
    expect(keysIn(one).length, step).toBe(step.startsWith('rm') ? 2 : 0)
  }
  const used = keysIn(running.at(-1) as Running)
  const one = start()
  await one.line(RUNNING)
  const displayed = keysIn(one)
  expect(displayed.map(key => key.slice(0, 8))).toEqual(['sk_test_', 'sk_live_'])
  expect(await Promise.all(displayed.map(statusOf))).toEqual([200, 200])
  // Nobody had used them, so that nobody misses them.
  expect(await Promise.all(used.map(statusOf))).toEqual([401, 401])
  const rows = await keyRows()
  expect(rows.filter(row => !row.revoked).map(row => row.mode)).toEqual(['test', 'live'])
  expect(rows.length).toBe(5)
  expect((await readdir(join(dir, 'keyring'))).sort()).toEqual(['web.json', 'worker.json'])
})

it('A later start prints no key but a command that makes one and works as printed, and admits no other start beside it', async () => {
  const one = start()
  await one.line(RUNNING)
  const text = one.out.join('\n')
  expect(text).not.toContain('sk_')
  expect(text).toMatch(/^ {2}postgresql:\/\/sample_reader:[\w-]+@127\.0\.0\.1:\d+\/chandlery$/m)
  const command = /^ {2}(.*mooring -- keys create.*)$/m.exec(text)?.[1] ?? ''
  const [made, other] = [promisify(execFile)('bash', ['-c', command], { cwd: ROOT }), start({ PORT: '0' })]
  expect(await other.ended).toBe(1)
  const refused = `another npm start (process ${one.child.pid}) runs in it; stop that one, or set MOORING_DATA_DIR to`
  expect(other.err()).toBe(`MOORING_DATA_DIR=${dir} cannot be used: ${refused} another folder.\n`)
  expect(await statusOf((await made).stdout.trim())).toBe(200)
})

it('Keys that were printed and used stay valid even if the start could not record that they were shown', async () => {
  const one = start()
  await one.line(RUNNING)
  // The two of the first test and the one of the second: each was used for a call.
  const ids = (await keyRows()).filter(row => !row.revoked).map(row => row.id)
  expect(ids).toHaveLength(3)
  await one.stop()
  await writeFile(join(dir, 'first-start.json'), JSON.stringify({ keys: ids }))
  const again = start()
  await again.line(RUNNING)
  expect(keysIn(again)).toHaveLength(2)
  expect((await keyRows()).filter(row => !row.revoked)).toHaveLength(5)
  expect(await readdir(dir)).not.toContain('first-start.json')
})

it('Keys in an unread output do not count as shown, and the service continues', async () => {
  await writeFile(join(dir, 'first-start.json'), '{}')
  const count = (await withoutOutput('pipe')) + (await withoutOutput('null'))
  expect(count).toBe(0)
  const one = start()
  await one.line(RUNNING)
  expect(keysIn(one)).toHaveLength(2)
  expect(await Promise.all(keysIn(one).map(statusOf))).toEqual([200, 200])
})

/**
 * Starts with an output that nobody reads, waits until it serves, and stops it; returns how many notes of keys are
 * gone.
 */
async function withoutOutput(kind: 'pipe' | 'null'): Promise<number> {
  // `true` exits at once, and writes into the pipe then fail.
  const redirect = kind === 'pipe' ? '"$@" | true; exit 0' : 'exec "$@" > /dev/null'
  const one = startMainBehind(['bash', '-c', redirect, 'bash'], env())
  running.push(one)
  await expect.poll(() => statusOf('sk_test_none').catch(() => 0), { timeout: 60_000 }).toBe(401)
  const marks = await readFile(join(dir, 'running'), 'utf8')
  await expect.poll(() => readdir(dir)).toContain('sample-password')
  process.kill(Number(marks.split(' ')[0]), 'SIGTERM')
  await one.ended
  return (await readdir(dir)).includes('first-start.json') ? 0 : 1
}

it('A taken port is reported with its number and a command, and costs no key', async () => {
  await writeFile(join(dir, 'first-start.json'), '{"keys":[]}')
  const other = createServer().listen(port, '127.0.0.1')
  await once(other, 'listening')
  const refused = start()
  expect(await refused.ended).toBe(1)
  expect(refused.out.join('\n')).not.toContain('sk_')
  const said = /^PORT must be .*\b(\d+) is taken; .* type: PORT=(\d+) npm start\.\n$/.exec(refused.err())
  expect(said?.[1]).toBe(String(port))
  const one = start({ PORT: said?.[2] ?? '' })
  await one.line(RUNNING)
  expect(keysIn(one)).toHaveLength(2)
  await one.stop()
  other.close()
})
