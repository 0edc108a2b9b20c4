/**
 * Rows for Mooring's memory when little happens: `npm start`, idle web tier and worker, each dialling process, each
 * client; and the Node CPU of a start other than the first. Memory is read from `/proc` after garbage from the start
 * has been collected.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryOf, running, treeOf } from '#test/bench/table/cpu.ts'
import { groundOf } from '#test/bench/table/ground.ts'
import { runLoad } from '#test/bench/table/measure.ts'
import type { Result, Row } from '#test/bench/table/row.ts'
import type { Site } from '#test/bench/table/site.ts'
import { query } from '#test/support/database/postgres.ts'
import { clients } from './clients.ts'
import { atMost, CHILD, laterStarts, mib, settled } from './settled.ts'
import { web } from './web.ts'

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

/** The worker with the dialling process that it keeps, and with those that it starts for servers that do not answer. */
const worker: Row = {
  name: 'idle-worker',
  async measure(site) {
    // The checks of what other rows have registered would keep it busy.
    await query(site.databaseUrl, "update tasks set due_at = now() + interval '1 day' where due_at is not null")
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

/** The rows, in the order of the table. */
export const MEMORY_ROWS: readonly Row[] = [everything, web, worker, clients]
