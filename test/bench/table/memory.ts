/**
 * Rows for Mooring's memory when little happens: `npm start`, idle web tier and worker, each dialling process, each
 * client; and the Node CPU of a start other than the first. Memory is read from `/proc` after garbage from the start
 * has been collected.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuOf, memoryOf, running, treeOf } from './cpu.ts'
import { DIALECTS, groundOf } from './ground.ts'
import { runLoad } from './measure.ts'
import type { Started } from './processes.ts'
import { median, type Result, type Row } from './row.ts'
import type { Caller, Site } from './site.ts'

const SETTLE_MS = 15_000
const STARTS = 3
/** The name of a dialling process. */
const CHILD = 'dial-child'
const LISTENING = /"port":(\d+)/
const settled = () => new Promise(resolve => setTimeout(resolve, SETTLE_MS))

const atMost = (work: string, ours: number, of: { target: number; unit: string }): Result => ({
  ...{ work, ours, limit: null, ratio: ours, atMost: true },
  ...of,
})
const mib = (target: number) => ({ target, unit: 'MiB' })

/** Starts repeatedly and keeps the last one running; the first one does not count. */
async function laterStarts(start: () => Started): Promise<{ last: Started; cpu: number }> {
  const cpu: number[] = []
  for (let number = 0; ; number += 1) {
    const last = start()
    await last.printed(LISTENING)
    const nodes = [last.pid, ...running(treeOf(last.pid), CHILD)]
    if (number > 0) cpu.push(nodes.reduce((sum, pid) => sum + cpuOf(pid), 0))
    if (number === STARTS) return { last, cpu: median(cpu) }
    await last.stop()
  }
}

/** `npm start`, with the built package and with the checkout. */
const everything: Row = {
  name: 'idle-start',
  async measure(site) {
    const results: Result[] = []
    for (const [product, of] of [
      [site.product, { name: 'built', rss: 320, pss: 170, cpu: 0.5 }],
      [site.checkout, { name: 'checkout', rss: 420, pss: null, cpu: 0.8 }],
    ] as const) {
      const dir = await mkdtemp(join(tmpdir(), 'mooring-bench-start-'))
      const env = { PORT: '0', MOORING_DATA_DIR: dir }
      const { last, cpu } = await laterStarts(() => site.startProgram('start', env, product))
      await settled()
      const { rss, pss } = memoryOf(treeOf(last.pid))
      await last.stop()
      await rm(dir, { recursive: true, force: true })
      const work = `npm start, idle, ${of.name}`
      results.push(atMost(`${work}: RSS of all processes`, rss, mib(of.rss)))
      if (of.pss !== null) results.push(atMost(`${work}: PSS of all processes`, pss, mib(of.pss)))
      const second = `a second npm start, ${of.name}: CPU of node`
      results.push(atMost(second, cpu, { target: of.cpu, unit: 's' }))
    }
    return results
  },
}

/** The web tier: its starts, its idle memory, and its memory after enough requests to reach its maximum. */
const web: Row = {
  name: 'idle-web',
  async measure(site) {
    const results: Result[] = []
    for (const [product, target] of [
      [site.checkout, 0.45],
      [site.product, 0.3],
    ] as const) {
      const { last, cpu } = await laterStarts(() => site.startProgram('web', {}, product))
      const name = product === site.product ? 'built' : 'checkout'
      results.push(atMost(`a second start of web, ${name}: CPU of node`, cpu, { target, unit: 's' }))
      if (product !== site.product) {
        await last.stop()
        continue
      }
      await settled()
      results.push(atMost('web, idle: RSS', memoryOf([last.pid]).rss, mib(100)))
      await mixedLoad(site, Number((await last.printed(LISTENING))[1]))
      results.push(atMost('web, after 100,000 mixed requests: RSS', memoryOf([last.pid]).rss, mib(150)))
      await last.stop()
    }
    return results
  },
}

async function mixedLoad(site: Site, port: number): Promise<void> {
  const { ours, id } = await groundOf(site)
  for (let part = 0; part < 10; part += 1)
    for (const dialect of Object.values(DIALECTS)) {
      const { one, path, body } = dialect
      for (const [requests, load] of [
        [4_000, ours({ paths: [one(id)] })],
        [500, ours({ paths: ['/v1/datasources?limit=20'] })],
        [500, ours({ paths: [path], body: body('mixed_{n}') })],
      ] as const)
        await runLoad(site, { ...load.load, port }, { requests })
    }
}

/** The worker with the dialling process that it keeps, and with those that it starts for servers that do not answer. */
const worker: Row = {
  name: 'idle-worker',
  async measure(site) {
    const started = site.startProgram('worker', {})
    await started.printed(/worker is running/)
    await settled()
    const idle = memoryOf(treeOf(started.pid))
    const silent = createServer(socket => socket.on('error', () => undefined)).listen(0, '127.0.0.1')
    const sockets = new Set<Socket>()
    silent.on('connection', socket => sockets.add(socket))
    await registerAt(site, Number((await listening(silent)).port))
    const children = await many(() => running(treeOf(started.pid), CHILD))
    const { uss } = memoryOf(children)
    await started.stop()
    for (const socket of sockets) socket.destroy()
    silent.close()
    return [
      atMost('worker, idle, with one dialling process: RSS', idle.rss, mib(175)),
      atMost('each dialling process: USS', uss / children.length, mib(30)),
    ]
  },
}

async function listening(server: ReturnType<typeof createServer>): Promise<{ port: number }> {
  if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
  return server.address() as { port: number } // a TCP server's address is an object once it listens
}

/** Registers databases of several organizations at one port, because no organization gets all processes. */
async function registerAt(site: Site, port: number): Promise<void> {
  const { ours } = await groundOf(site)
  for (let number = 0; number < 4; number += 1) {
    const caller = await site.newCaller(`Silent ${number}`)
    const body = { connectionString: `postgresql://app:secret@127.0.0.1:${port}/shop_{n}` }
    await runLoad(site, ours({ paths: ['/v1/datasources'], body, caller }).load, { requests: 2 })
  }
}

/** Waits until several dialling processes run briefly, and returns them. */
async function many(look: () => readonly number[]): Promise<readonly number[]> {
  for (;;) {
    const found = look()
    if (found.length >= 4) {
      await new Promise(resolve => setTimeout(resolve, 1_000))
      return look()
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

const CLIENTS = 1_000
const SUBSCRIPTIONS_OF_A_KEY = 100

/** Waiting clients: subscribers of changes, and connections kept alive after an answer. */
const clients: Row = {
  name: 'idle-clients',
  async measure(site) {
    const callers: Caller[] = []
    for (let n = 0; n < CLIENTS / SUBSCRIPTIONS_OF_A_KEY; n += 1) callers.push(await site.newCaller(`Watching ${n}`))
    const request = (number: number, path: string) => {
      const { key } = callers[number % callers.length] ?? site.caller
      return `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\n\r\n`
    }
    const kept = await each(site, number => request(number, '/v1/datasources?limit=1'))
    const subscribed = await each(site, number => request(number, '/trpc/datasources.watch'))
    const kib = (target: number) => ({ target, unit: 'KiB' })
    return [atMost('each subscriber of changes', subscribed, kib(30)), atMost('each idle connection', kept, kib(13))]
  },
}

/** Returns the KiB that each of many clients adds to a web tier that has already served a few. */
async function each(site: Site, request: (number: number) => string): Promise<number> {
  const started = site.startProgram('web', {})
  const port = Number((await started.printed(LISTENING))[1])
  for (const socket of await opened(port, CLIENTS / 10, request)) socket.destroy()
  await settled()
  const before = memoryOf([started.pid]).uss
  const sockets = await opened(port, CLIENTS, request)
  await settled()
  const more = memoryOf([started.pid]).uss - before
  for (const socket of sockets) socket.destroy()
  await started.stop()
  return (more * 1024) / CLIENTS
}

/** Returns clients that have been answered or whose stream has begun, opened a few at a time. */
async function opened(port: number, count: number, request: (number: number) => string): Promise<Socket[]> {
  const open = (number: number) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(request(number)))
      socket.once('error', reject)
      socket.once('data', (head: Buffer) => {
        if (head.toString('latin1').startsWith('HTTP/1.1 200')) resolve(socket)
        else reject(new Error(head.toString().slice(0, 300)))
      })
    })
  const sockets: Socket[] = []
  while (sockets.length < count)
    sockets.push(...(await Promise.all(Array.from({ length: 20 }, (_, at) => open(sockets.length + at)))))
  return sockets
}

/** The rows, in the order of the table. */
export const MEMORY_ROWS: readonly Row[] = [everything, web, worker, clients]
