/**
 * The rows for clients that wait: the memory that each subscriber of changes, and each idle connection, takes in the
 * web tier.
 */
import { connect, type Socket } from 'node:net'
import { memoryOf } from '#test/bench/table/cpu.ts'
import type { Row } from '#test/bench/table/row.ts'
import type { Caller, Site } from '#test/bench/table/site.ts'
import { atMost, LISTENING, settled } from './settled.ts'

const CLIENTS = 1_000
const SUBSCRIPTIONS_OF_A_KEY = 100

/** Waiting clients: subscribers of changes, and connections kept alive after an answer. */
export const clients: Row = {
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
