/**
 * An unusable data folder ends `npm start` with one sentence, which names MOORING_DATA_DIR, its value and the remedy; a
 * folder whose database dies under a running process is served again. Real processes, mounts and accounts.
 */
import { execFile, spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest'
import { startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { gone, lookUp } from '#server/standalone/embedded/process.ts'
import { freePort } from '#test/support/operations/free-port.ts'
import { type Running, startEntry, startMainBehind } from '#test/support/operations/processes.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

let outer: string
let template: string
const running: Running[] = []

beforeAll(async () => {
  outer = await mkdtemp(join(tmpdir(), 'mooring-folder-'))
  await chmod(outer, 0o755)
  template = join(outer, 'template')
  // Only a cluster: each test fills it as needed.
  await (await startEmbedded({ dir: join(template, 'postgres'), settings: { fsync: 'off' } })).stop()
})
afterAll(async () => {
  await Promise.all(running.map(one => one.stop()))
  await rm(outer, { recursive: true, force: true })
})

const quietly = (dir: string) => ({ MOORING_DATA_DIR: dir, PORT: '0' })

/** The sentence that a start ends with, without its beginning. */
async function refusal(dir: string, one: Running = startEntry('main', quietly(dir))): Promise<string> {
  running.push(one)
  expect(await one.ended).toBe(1)
  expect(one.err().trimEnd().split('\n')).toHaveLength(1)
  const beginning = `MOORING_DATA_DIR=${dir} cannot be used: `
  expect(one.err().slice(0, beginning.length)).toBe(beginning)
  return one.err().slice(beginning.length).trimEnd()
}

async function copy(name: string): Promise<string> {
  const dir = join(outer, name)
  // Node's own `cp` takes as long for these thousand files as creating them.
  await promisify(execFile)('cp', ['-R', '-p', template, dir])
  return dir
}

describe('A path that is not a folder', () => {
  it.each([
    ['a file', async (dir: string) => writeFile(dir, ''), 'it is a file, or lies below one; move the file away'],
    ['below a file', async (dir: string) => writeFile(join(dir, '..'), ''), 'it is a file, or lies below one; move'],
    ['a link to nowhere', async (dir: string) => symlink(`${dir}-none`, dir), 'something in it, or its target'],
    ['a link to itself', async (dir: string) => symlink(dir, dir), 'its symbolic links form a loop; fix'],
  ])('is named: %s', async (name, make, message) => {
    const dir = name === 'below a file' ? join(outer, 'one-file', 'x') : join(outer, name.replaceAll(' ', '-'))
    await make(dir)
    expect(await refusal(dir)).toMatch(new RegExp(`^${message}.* set MOORING_DATA_DIR to another folder\\.$`))
  })

  it('is named when its path is too long: for the system, and for PostgreSQL', async () => {
    const remedy = 'set MOORING_DATA_DIR to a shorter one.'
    expect(await refusal(join(outer, 'a'.repeat(300)))).toBe(`the path is too long; ${remedy}`)
    const long = join(outer, ...Array<string>(5).fill('b'.repeat(240)))
    expect(await refusal(long)).toBe(`the path is too long for PostgreSQL; ${remedy}`)
  })
})

describe('A folder with other content', () => {
  it('is named: the data folder of another PostgreSQL', async () => {
    const dir = join(outer, 'foreign')
    await mkdir(dir)
    await writeFile(join(dir, 'PG_VERSION'), '17\n')
    expect(await refusal(dir)).toBe(
      'it is the data folder of another PostgreSQL; set MOORING_DATA_DIR to another folder.',
    )
  })

  it('is named: a cluster of another major version, a part of one, and one that others can read', async () => {
    const dir = await copy('other')
    const pgdata = join(dir, 'postgres/cluster/data')
    await writeFile(join(pgdata, 'PG_VERSION'), '17\n')
    expect(await refusal(dir)).toMatch(/^its database is from PostgreSQL 17, and this release runs 18; start the /)
    await writeFile(join(pgdata, 'PG_VERSION'), '18\n')
    await chmod(pgdata, 0o755)
    expect(await refusal(dir)).toMatch(/^its database can be read by other accounts; run: chmod 700 '.*\/data', or /)
    await chmod(pgdata, 0o700)
    await rm(join(pgdata, 'global/pg_control'))
    expect(await refusal(dir)).toMatch(/^its PostgreSQL does not start \(.*global\/pg_control.*\); .* from a backup, /)
    await rm(join(dir, 'postgres/cluster/password'))
    expect(await refusal(dir)).toMatch(/^\S+cluster is not a database that Mooring created, or is damaged; /)
  })
})

/** Skips, with the reason, when this machine does not permit the test's set-up. */
function requireThat(context: TestContext, words: readonly [string, ...string[]]): void {
  const [program, ...args] = words
  context.skip(spawnSync(program, args).status !== 0, `${words.join(' ')} does not work here`)
}

describe('An unwritable folder', () => {
  it('is named: a read-only file system, and a full one, from the first byte to the last', async context => {
    requireThat(context, ['unshare', '-m', 'true'])
    const mounted = async (options: string, dir: string) => {
      await mkdir(dir)
      const command = `mount -t tmpfs -o ${options} tmpfs "$MOORING_DATA_DIR" && exec "$@"`
      return refusal(dir, startMainBehind(['unshare', '-m', 'sh', '-c', command, 'sh'], quietly(dir)))
    }
    expect(await mounted('ro', join(outer, 'read-only'))).toMatch(/^its file system is read-only; mount it writable/)
    // While creating the cluster, starting its server, filling it, and under a server that ends because of it.
    const sizes = ['8k', '20m', '45m', '52m', '54m']
    const full = await Promise.all(sizes.map(size => mounted(`size=${size}`, join(outer, `full-${size}`))))
    for (const message of full) expect(message).toMatch(/^its disk is full; free some space, /)
  })

  it('is named: of another account', async context => {
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const
    requireThat(context, [...asNobody, process.execPath, '-e', 'require("node:fs").accessSync(".")'])
    const closed = join(outer, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const message = (dir: string) =>
      `this account (uid 65534) may not read and write it; run as root: mkdir -p '${dir}' && chown -R 65534 '${dir}', or set ` +
      'MOORING_DATA_DIR to another folder.'
    for (const dir of [closed, join(outer, 'below/x')]) {
      await mkdir(join(outer, 'below'), { recursive: true })
      expect(await refusal(dir, startMainBehind(asNobody, quietly(dir)))).toBe(message(dir))
    }
    // Our own folder, with another account's cluster in it.
    const dir = await copy('mixed')
    await chown(dir, 65_534, 65_534)
    expect(await refusal(dir, startMainBehind(asNobody, quietly(dir)))).toBe(message(dir))
  })
})

/** Takes the lock of an embedded server for this process; returns the function that releases it. */
async function holdFolder(lock: string): Promise<() => Promise<void>> {
  await writeFile(lock, `${process.pid} ${(await lookUp(process.pid))?.started ?? ''}`, { flag: 'wx' })
  return () => rm(lock)
}

describe('A database that dies under a running process', () => {
  it('is started again with its reason in the log, and requests meanwhile are answered by 503', async () => {
    const dir = await copy('dies')
    const port = await freePort()
    // A file of a killed server, which left nothing else.
    const pidFile = join(dir, 'postgres/cluster/data/postmaster.pid')
    await writeFile(pidFile, `999999\n${dir}\n1\n2345\n\n127.0.0.1\n\nready\n`)
    const one = startEntry('main', { MOORING_DATA_DIR: dir, PORT: String(port) })
    running.push(one)
    await one.line(/web and worker are running/)
    const key = /sk_test_\w+/.exec(one.out.join('\n'))?.[0] ?? ''
    const ask = () => fetch(`http://127.0.0.1:${port}/v1/datasources`, { headers: { 'X-API-Key': key } })
    expect((await ask()).status).toBe(200)
    const postmaster = async () => Number((await readFile(pidFile, 'utf8')).split('\n')[0])
    for (const signal of ['SIGKILL', 'SIGINT'] as const) {
      const pid = await postmaster()
      // While another process holds the folder nothing is started: the database stays away during the whole
      // observation.
      const release = await holdFolder(join(dir, 'postgres/lock'))
      process.kill(pid, signal)
      expect(await gone(pid, 30_000)).toBe(true)
      const nth = signal === 'SIGKILL' ? 1 : 2
      await one.line(/embedded PostgreSQL has ended/, nth)
      const away = await ask()
      expect([away.status, ((await away.json()) as { code: string }).code]).toEqual([503, 'service_unavailable'])
      await release()
      await one.line(/the embedded PostgreSQL runs again/, nth)
      await expect.poll(async () => (await ask()).status, { timeout: 30_000 }).toBe(200)
      expect(await postmaster()).not.toBe(pid)
    }
    expect((await one.line(/"reason":"(.*?)".*embedded PostgreSQL has ended/, 1))[1]).toMatch(
      /unexpected postmaster exit|it was killed/,
    )
    expect((await one.line(/"reason":"(.*?)".*embedded PostgreSQL has ended/, 2))[1]).toMatch(/shut ?down/)
    expect(await one.stop()).toBe(0)
    expect(await gone(await postmaster().catch(() => 0), 1_000)).toBe(true)
  })
})
