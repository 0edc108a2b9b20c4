/**
 * `mooring/testing`: several instances at once, nothing left behind however the test ends, and every kind of machine
 * that tests run on.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { createClient } from '#client/index.ts'
import { lookUp } from '#server/standalone/embedded/process.ts'
import { startMooring, type TestMooring } from '#server/testing.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROGRAM = join(ROOT, 'test/fixtures/throwaway.ts')

let outer: string
/** Segments of servers that were killed earlier, whose process ids may be in use again. */
let former: ReadonlySet<string>
beforeAll(async () => {
  former = new Set((await segments()).map(({ id }) => id))
  outer = await mkdtemp(join(tmpdir(), 'mooring-throwing-'))
  await chmod(outer, 0o755)
})
afterAll(() => rm(outer, { recursive: true, force: true }))

/** The processes and the folder of an installation, found by its PostgreSQL port. */
interface Remains {
  readonly folder: string
  readonly pids: readonly number[]
}

async function remainsOf({ sample }: Pick<TestMooring, 'sample'>): Promise<Remains> {
  const { port } = new URL(sample)
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-eo', 'pid=,ppid=,args='])
  const rows = stdout.split('\n').map(line => line.trim().split(/\s+/))
  const postmaster = rows.find(row => row.includes('-D') && row[row.indexOf('-p') + 1] === port)
  const folder = /^(.*\/mooring-throwaway-[^/]+)\//.exec(postmaster?.[postmaster.indexOf('-D') + 1] ?? '')?.[1]
  if (postmaster === undefined || folder === undefined) throw new Error('no PostgreSQL runs at that port')
  const pids = [Number(postmaster[0]), Number(postmaster[1])]
  for (const [pid, parent] of rows) if (pids.includes(Number(parent))) pids.push(Number(pid))
  return { folder, pids }
}

/** Asserts that nothing of it is left: no processes, no files, and no shared memory of its PostgreSQL. */
async function expectNothingLeft({ folder, pids }: Remains): Promise<void> {
  await expect.poll(() => stat(folder).catch((error: NodeJS.ErrnoException) => error.code)).toBe('ENOENT')
  for (const pid of new Set(pids)) await expect.poll(() => lookUp(pid)).toBeNull()
  const left = (await segments()).filter(({ id, maker }) => !former.has(id) && pids.includes(maker))
  expect(left).toEqual([])
}

/** The segments of shared memory of this machine, each with the process that made it (proc(5), `/proc/sysvipc/shm`). */
async function segments(): Promise<{ id: string; maker: number }[]> {
  const text = await readFile('/proc/sysvipc/shm', 'utf8').catch(() => '')
  const rows = text.trim().split('\n').slice(1)
  return rows.map(row => row.trim().split(/\s+/)).map(([, id = '', , , maker]) => ({ id, maker: Number(maker) }))
}

const namesIn = async (url: string, key: string) =>
  (await createClient({ url, key, seal: false }).datasources.list.query({})).items.map(({ displayName }) => displayName)

describe('Several at once', () => {
  it('are isolated from each other, and so are the organizations of one; stopped, they leave nothing', async () => {
    const all = await Promise.all([startMooring(), startMooring(), startMooring()])
    const [first, second] = all
    if (first === undefined || second === undefined) throw new Error('none')
    const connectionString = 'postgresql://app:pw@db.example.com/one'
    await createClient({ url: first.url, key: first.testKey }).datasources.register.mutate({ connectionString })
    const [one, two] = await Promise.all([first.newOrganization('One'), first.newOrganization('Two')])
    expect(one.testKey).not.toBe(two.testKey)
    expect(await namesIn(first.url, first.testKey)).toEqual(['db.example.com:5432/one'])
    expect(await namesIn(first.url, one.testKey)).toEqual([])
    expect(await namesIn(second.url, second.testKey)).toEqual([])
    const remains = await Promise.all(all.map(remainsOf))
    expect(new Set(remains.map(({ folder }) => folder)).size).toBe(3)
    await Promise.all([...all, first].map(one => one.stop()))
    for (const one of remains) await expectNothingLeft(one)
  })

  it('with an empty cache create one template, and none is left unfinished', async () => {
    const cache = join(outer, 'empty')
    await mkdir(join(cache, 'draft-of-somebody-killed'), { recursive: true, mode: 0o700 })
    const env = { MOORING_CACHE_DIR: cache }
    const all = await Promise.all([startMooring({ env }), startMooring({ env })])
    await Promise.all(all.map(one => one.stop()))
    const names = await readdir(cache)
    expect(names.filter(name => name !== 'mooring')).toEqual([expect.stringMatching(/^template-[0-9a-f]{24}$/)])
  })
})

/** Starts a program that starts a Mooring and prints its address, optionally behind words such as `setpriv …`. */
async function started(
  words: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ child: ChildProcess; mooring: TestMooring }> {
  const [first = '', ...rest] = [...words, process.execPath, PROGRAM]
  const { PATH = '', HOME = '', XDG_CACHE_HOME } = process.env
  const cache = XDG_CACHE_HOME === undefined ? {} : { XDG_CACHE_HOME }
  const child = spawn(first, rest, {
    env: { PATH, HOME, ...cache, ...env },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface(child.stdout), 'line')
  return { child, mooring: JSON.parse(String(line)) }
}

describe('Killed by SIGKILL', () => {
  it('the test’s process takes everything with it', async () => {
    const { child, mooring } = await started()
    const remains = await remainsOf(mooring)
    child.kill('SIGKILL')
    await expectNothingLeft(remains)
  })

  it('with Mooring itself, it leaves a folder, which the next start removes', async () => {
    const { child, mooring } = await started()
    const { folder, pids } = await remainsOf(mooring)
    process.kill(pids[1] ?? 0, 'SIGKILL')
    child.kill('SIGKILL')
    for (const pid of pids) await expect.poll(() => lookUp(pid)).toBeNull()
    expect((await stat(folder)).isDirectory()).toBe(true)
    await (await startMooring()).stop()
    await expectNothingLeft({ folder, pids })
  })
})

describe('A start that fails', () => {
  it('says why, and leaves nothing', async () => {
    const temporary = join(outer, 'temporary')
    await mkdir(temporary)
    const env = { TMPDIR: temporary, MOORING_ALLOWED_NETWORKS: 'everywhere' }
    await expect(startMooring({ env })).rejects.toThrow(/^Mooring has ended: MOORING_ALLOWED_NETWORKS must be /)
    await expect(startMooring({ env: { TMPDIR: temporary }, node: '/nowhere/node' })).rejects.toThrow(/ENOENT/)
    // It fails late, when its folder exists and PostgreSQL runs.
    const late = { TMPDIR: temporary, MOORING_EXTRA_CA: '/nowhere/ca.pem' }
    await expect(startMooring({ env: late })).rejects.toThrow(/^Mooring has ended: /)
    expect(await readdir(temporary)).toEqual([])
  })
})

/** Skips, with the reason, when this machine does not permit the test's set-up. */
function requireThat(context: TestContext, words: readonly [string, ...string[]]): void {
  const [program, ...args] = words
  context.skip(spawnSync(program, args).status !== 0, `${words.join(' ')} does not work here`)
}

async function expectWorking(words: readonly string[], env: Readonly<Record<string, string>>): Promise<void> {
  const { child, mooring } = await started(words, env)
  const remains = await remainsOf(mooring)
  child.stdin?.write('verify\n')
  const [line] = await once(createInterface(child.stdout ?? process.stdin), 'line')
  expect(String(line)).toBe('active')
  child.stdin?.end()
  expect(await once(child, 'close')).toEqual([0, null])
  await expectNothingLeft(remains)
}

/** Root without user namespaces, as in many containers. */
const WITHOUT_NAMESPACES = ['sh', join(ROOT, 'test/fixtures/without-namespaces.sh')] as const

describe('It starts', () => {
  it('as an account without rights, from a checkout that it cannot write, without a home', async context => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const
    requireThat(context, [...nobody, process.execPath, '-e', `require("node:fs").accessSync("${ROOT}")`])
    await expectWorking(nobody, { HOME: '/nonexistent', XDG_CACHE_HOME: '/nonexistent' })
  })

  it('as root with a home that is closed to others', async context => {
    requireThat(context, ['unshare', '--user', '--map-user=65534', 'true'])
    const home = join(outer, 'home')
    await mkdir(home, { mode: 0o700 })
    await expectWorking([], { HOME: home, XDG_CACHE_HOME: join(home, 'cache') })
  })

  it('as root where PostgreSQL has to run as another account, with home and temporary folder', async context => {
    requireThat(context, [...WITHOUT_NAMESPACES, 'true'])
    const home = join(outer, 'root')
    await mkdir(home, { mode: 0o700 })
    await expectWorking(WITHOUT_NAMESPACES, { HOME: home, XDG_CACHE_HOME: join(home, 'cache') })
  })

  it('without any network but loopback', async context => {
    const offline = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'] as const
    requireThat(context, [...offline, 'true'])
    await expectWorking(offline, {})
  })

  it('beside settings that name another database and another folder, which it never uses', async () => {
    const data = join(outer, 'data')
    const env = { DATABASE_URL: 'postgresql://nobody@192.0.2.1/none', MOORING_DATA_DIR: data, PORT: '1' }
    const mooring = await startMooring({ env })
    expect(await namesIn(mooring.url, mooring.testKey)).toEqual([])
    await mooring.stop()
    await expect(stat(data)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('The examples of docs/testing.md', () => {
  const blockOf = async (language: string, having: string) => {
    const text = await readFile(join(ROOT, 'docs/testing.md'), 'utf8')
    const blocks = [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
      ([, code = '']) => code,
    )
    const found = blocks.find(block => block.includes(having))
    if (found === undefined) throw new Error(`no block has ${having}`)
    return found
  }

  it('run as a program', async () => {
    const overview = (await blockOf('ts', 'mooring.newOrganization()')).replace(
      "'mooring/testing'",
      `'${pathToFileURL(join(ROOT, 'server/testing.ts')).href}'`,
    )
    const ends = ['--input-type=module-typescript', '--eval', `${overview}\nconsole.log(mooring.url)`]
    const { stdout } = await promisify(execFile)(process.execPath, ends, { cwd: ROOT })
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\n$/)
  })

  it('run in vitest', async () => {
    // Inside the checkout, so that `vitest` is found.
    const dir = await mkdtemp(join(ROOT, 'node_modules/.testing-'))
    try {
      await writeFile(join(dir, 'example.test.ts'), await blockOf('ts', "from 'vitest'"))
      const alias = {
        'mooring/testing': join(ROOT, 'server/testing.ts'),
        'mooring-client': join(ROOT, 'client/index.ts'),
      }
      const config = { resolve: { alias }, test: { include: ['*.test.ts'], exclude: [], testTimeout: 60_000 } }
      await writeFile(join(dir, 'vitest.config.mjs'), `export default ${JSON.stringify(config)}`)
      const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
      const { stdout } = await promisify(execFile)(process.execPath, [vitest, 'run', '--root', dir], { cwd: dir })
      expect(stdout).toMatch(/2 passed/)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  it('run in Python', async context => {
    requireThat(context, ['python3', '-c', 'import json, subprocess, urllib.request'])
    const code = await blockOf('python', 'subprocess')
    const { stdout } = await promisify(execFile)('python3', ['-c', code], { cwd: ROOT })
    expect(stdout).toBe('active\n')
  })
})
