/**
 * The embedded PostgreSQL: created once, kept, shared between processes, recovered after a crash, stopped by its last
 * user.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { linkLibraries, locateBinaries } from '#server/standalone/embedded/binaries.ts'
import { type Embedded, type EmbeddedOptions, startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { gone, lookUp } from '#server/standalone/embedded/process.ts'
import { query } from '#test/support/database/postgres.ts'

let dir: string
let template: string
const stops: (() => Promise<unknown>)[] = []

// Created once and copied, since creating a cluster takes longer than most tests here.
beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'mooring-embedded-'))
  await (await startEmbedded({ dir: template, settings: { fsync: 'off' } })).stop()
})

afterAll(async () => {
  await rm(template, { recursive: true, force: true })
})

beforeEach(async () => {
  const own = await mkdtemp(join(tmpdir(), 'mooring-embedded-'))
  dir = own
  stops.push(() => rm(own, { recursive: true, force: true }))
})

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function copyTemplate(): Promise<void> {
  // Node's own `cp` takes as long for these thousand files as creating them.
  await promisify(execFile)('cp', ['-R', '-p', `${template}/.`, dir])
}

async function start(options: Partial<EmbeddedOptions> = {}): Promise<Embedded> {
  const server = await startEmbedded({ dir, ...options, settings: { fsync: 'off', ...options.settings } })
  stops.push(() => server.stop())
  return server
}

/** Waits until the server is gone: no process, and no answer at its port. */
async function expectStopped({ pid, url }: { pid: number; url: string }): Promise<void> {
  expect(await lookUp(pid)).toBeNull()
  await expect(query(url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
}

describe('The embedded server', () => {
  it('is created at the first start, and keeps its rows and its port across starts', async () => {
    const first = await start()
    expect(first.reused).toBe(false)
    expect(first.port).toBeLessThan(32_768)
    const facts = await query(
      first.url,
      `select current_setting('server_version_num')::int / 10000 as major, pg_encoding_to_char(encoding) as encoding,
         datlocprovider as provider, current_setting('listen_addresses') as listens from pg_database where datname = 'postgres'`,
    )
    expect(facts).toEqual([{ major: 18, encoding: 'UTF8', provider: 'b', listens: '127.0.0.1' }])
    await query(first.url, 'create table kept as select 42 as answer')
    await first.stop()
    await expectStopped(first)

    const second = await start()
    expect(second).toMatchObject({ reused: false, port: first.port, url: first.url })
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    await second.stop()
    await second.stop()
    await expectStopped(second)
  })

  it('gives folder, password, key and log to its owner alone, and keeps the password out of its arguments and its log', async () => {
    await copyTemplate()
    const server = await start()
    const password = new URL(server.url).password
    const modes = async (...paths: string[]): Promise<string[]> =>
      Promise.all(paths.map(async path => ((await stat(join(dir, 'cluster', path))).mode & 0o777).toString(8)))
    expect(await modes('.', 'data')).toEqual(['700', '700'])
    expect(await modes('password', 'log', 'port', 'data/server.key')).toEqual(['600', '600', '600', '600'])
    await expect(query(server.url.replace(password, 'wrong'), 'select 1')).rejects.toMatchObject({ code: '28P01' })
    await expect(query(server.url, `alter role nobody password '${password}'`)).rejects.toMatchObject({ code: '42704' })
    expect((await lookUp(server.pid))?.command).not.toContain(password)
    expect(await readFile(join(dir, 'cluster/log'), 'utf8')).not.toContain(password)
  })

  it('offers TLS with a certificate of its own for this machine, the same at every start', async () => {
    await copyTemplate()
    const server = await start()
    const ca = await readFile(join(dir, 'cluster/data/server.crt'), 'utf8')
    const client = new pg.Client({ connectionString: server.url, ssl: { ca, servername: 'localhost' } })
    await client.connect()
    expect((await client.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).rows).toEqual([
      { ssl: true },
    ])
    await client.end()
    expect(new X509Certificate(ca).checkIP('127.0.0.1')).toBe('127.0.0.1')
    await server.stop()
    await start()
    expect(await readFile(join(dir, 'cluster/data/server.crt'), 'utf8')).toBe(ca)
  })

  it('takes another port when its own is taken, and refuses when the port is set', async () => {
    await copyTemplate()
    const server = await start()
    await server.stop()
    const squatter = createServer().listen(server.port, '127.0.0.1')
    stops.push(async () => squatter.close())
    await once(squatter, 'listening')
    await expect(start({ port: server.port })).rejects.toThrow('could not bind')
    expect(await readdir(join(dir, 'holders'))).toEqual([])

    const elsewhere = await start()
    expect(elsewhere.port).not.toBe(server.port)
    expect(await query(elsewhere.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('reports why it does not start, and leaves nothing running', async () => {
    await copyTemplate()
    await expect(start({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow(
      'invalid value for parameter "shared_buffers"',
    )
    expect(await readdir(join(dir, 'holders'))).toEqual([])
    expect(await readdir(dir)).not.toContain('lock')
    expect((await start()).reused).toBe(false)
  })

  it('works with a read-only node_modules: it then creates the links between its libraries in the data folder', async () => {
    const binaries = await locateBinaries()
    const list = await readFile(join(binaries.root, 'native/pg-symlinks.json'), 'utf8')
    const root = join(dir, 'package')
    await mkdir(join(root, 'native'), { recursive: true })
    await writeFile(join(root, 'native/pg-symlinks.json'), list)
    // This account cannot write into native/lib.
    const env = await linkLibraries({ ...binaries, root }, join(dir, 'lib'))
    expect(Object.values(env)).toEqual([join(dir, 'lib')])
    expect(await readlink(join(dir, 'lib/libpq.so.5'))).toBe(join(root, 'native/lib/libpq.so.5.18'))
    expect(await linkLibraries(binaries, join(dir, 'unused'))).toEqual({})
    expect(await readdir(dir)).not.toContain('unused')
  })
})

interface User {
  readonly started: { readonly url: string; readonly pid: number; readonly port: number; readonly reused: boolean }
  /** Ends it in order: the last user stops the server. */
  leave(): Promise<void>
  kill(): Promise<void>
}

/** Starts another process that uses the server of the folder, with words such as `setpriv …` in front of it. */
async function startUser(...prefix: string[]): Promise<User> {
  const program = fileURLToPath(new URL('./embedded-user.ts', import.meta.url))
  const [command = '', ...args] = [...prefix, process.execPath, program, dir]
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  stops.push(async () => {
    child.kill('SIGKILL')
    await exited
  })
  if (child.stdout === null) throw new Error('no standard output')
  const lines = createInterface(child.stdout)
  const [line] = await Promise.race([
    once(lines, 'line'),
    exited.then(([code]) => Promise.reject(new Error(`exit ${code}`))),
  ])
  return {
    started: JSON.parse(line),
    leave: async () => {
      child.stdin?.end()
      expect((await exited)[0]).toBe(0)
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

describe('Processes that share the folder', () => {
  it('find the server again after SIGKILL of the one that started it, and the next one stops it', async () => {
    await copyTemplate()
    const user = await startUser()
    await query(user.started.url, 'create table kept as select 42 as answer')
    await user.kill()
    expect(await lookUp(user.started.pid)).not.toBeNull()

    const server = await start()
    expect(server).toMatchObject({ reused: true, pid: user.started.pid, port: user.started.port })
    expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    await server.stop()
    await expectStopped(server)
  })

  it('recover the committed rows when the server itself was killed', async () => {
    await copyTemplate()
    const user = await startUser()
    await query(user.started.url, 'create table kept as select 42 as answer')
    process.kill(user.started.pid, 'SIGKILL')
    await user.kill()
    // A process handles a signal only when it is scheduled.
    expect(await gone(user.started.pid, 10_000)).toBe(true)

    const server = await start()
    expect(server).toMatchObject({ reused: false, port: user.started.port })
    expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  it('do not mistake a stranger with a dead server’s process id for the server', async () => {
    await copyTemplate()
    const before = await start()
    await before.stop()
    const file = join(dir, 'cluster/data/postmaster.pid')
    await writeFile(file, `${process.pid}\n${join(dir, 'cluster/data')}\n1\n${before.port}\n\n127.0.0.1\n\nready\n`)
    const server = await start()
    expect(server.reused).toBe(false)
    expect(server.pid).not.toBe(process.pid)
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('keep the server until the last of them leaves, whichever started it', async () => {
    await copyTemplate()
    const starter = await startUser()
    const server = await start()
    expect(server).toMatchObject({ reused: true, pid: starter.started.pid })
    await starter.leave()
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])

    const visitor = await startUser()
    expect(visitor.started).toMatchObject({ reused: true, pid: server.pid })
    await visitor.leave()
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await server.stop()
    await expectStopped(server)
  })

  it('end with one server when they create it at the same time', async () => {
    const users = await Promise.all([startUser(), startUser(), startUser()])
    expect(new Set(users.map(user => user.started.pid)).size).toBe(1)
    expect(users.filter(user => !user.started.reused)).toHaveLength(1)
    await Promise.all(users.map(user => user.leave()))
    await expectStopped(users[0].started)
  })
})

const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']

describe('As root', () => {
  const isRoot = process.getuid?.() === 0

  it.runIf(isRoot)('runs PostgreSQL as an account that it accepts', async () => {
    await copyTemplate()
    const server = await start()
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    // Root of its own user namespace, or another account.
    const [inside, outside] = await Promise.all([
      readlink(`/proc/${server.pid}/ns/user`),
      readlink('/proc/self/ns/user'),
    ])
    const { uid } = await stat(`/proc/${server.pid}`)
    expect(inside !== outside || uid !== 0).toBe(true)
  })

  it.runIf(isRoot)('works below a folder that is closed to all others', async () => {
    const outer = dir
    await chmod(outer, 0o700)
    dir = join(outer, 'home/data')
    await mkdir(join(outer, 'home'), { mode: 0o700 })
    const server = await start()
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await server.stop()
  })

  it.runIf(isRoot)('leaves a cluster that an ordinary account created with that account', async context => {
    const reaches = spawnSync(asNobody[0] ?? '', [
      ...asNobody.slice(1),
      process.execPath,
      '-e',
      'require("node:fs").accessSync(process.argv[1])',
      import.meta.filename,
    ])
    context.skip(reaches.status !== 0, 'an ordinary account cannot reach this checkout')
    await chown(dir, 65_534, 65_534)
    const user = await startUser(...asNobody)
    expect((await stat(`/proc/${user.started.pid}`)).uid).toBe(65_534)
    await query(user.started.url, 'create table kept as select 42 as answer')
    await user.leave()
    await expectStopped(user.started)

    const server = await start()
    expect((await stat(`/proc/${server.pid}`)).uid).toBe(65_534)
    expect(await query(server.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    await server.stop()
    const again = await startUser(...asNobody)
    expect(await query(again.started.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    await again.leave()
  })
})
