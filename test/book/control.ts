/**
 * The server that the book's script calls around some of its blocks: load that begins and ends, Prometheus, and time
 * that passes. It answers 200 if everything is well, otherwise 500 with messages. Started by `run.ts`.
 */

import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { createLoad, type Load } from './load.ts'
import { askEverything } from './prometheus.ts'

const LATER_MS = 16 * 60_000
const PAUSE_MS = 1_000

/** The environment of the script. */
export interface Ground {
  readonly docs: string
  readonly folder: string
  /** The folder of both keyrings. */
  readonly keyring: string
  /** URLs of the web processes, running or not. */
  readonly webs: readonly string[]
  /** `host:port` of each process, for Prometheus. */
  readonly targets: readonly string[]
}

type Actions = Readonly<Record<string, (asked: URLSearchParams) => Promise<string>>>

/** Starts the server; the stack stops it. Returns its URL. */
export async function startControl(cleanup: AsyncDisposableStack, ground: Ground): Promise<string> {
  const load = await createLoad(ground.webs)
  cleanup.defer(() => load.stop())
  const actions = actionsOf(ground, load)
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control')
    const action = actions[pathname.slice(1)] ?? (() => Promise.reject(new Error('no such action')))
    void action(searchParams).then(
      text => response.end(text),
      (error: Error) => response.writeHead(500).end(error.stack),
    )
  })
  // A Prometheus query takes longer than the default limit of a request.
  server.requestTimeout = 0
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanup.defer(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function actionsOf(ground: Ground, load: Load): Actions {
  return {
    async begin(asked) {
      await load.begin(asked.get('key') ?? '')
      return 'calls go on meanwhile'
    },
    served: () => ended(load, true),
    kept: () => ended(load, false),
    queries: asked => queries(ground, load, asked.get('key') ?? ''),
    async later() {
      for (const tier of ['web', 'worker']) await age(join(ground.keyring, `${tier}.json`))
      return 'a quarter of an hour passes'
    },
  }
}

/** Runs calls with every outcome in the meantime, because the rate of something that never happened is empty. */
async function queries(ground: Ground, load: Load, key: string): Promise<string> {
  await load.begin(key)
  const isWorking = { value: true }
  const failing = failures(ground.webs[0] ?? '', key, isWorking).then(
    () => null,
    (error: Error) => error,
  )
  const { asked, unanswered } = await askEverything(ground, ground.targets)
  isWorking.value = false
  const wrong = await failing
  if (wrong !== null) throw wrong
  await load.end()
  if (unanswered.length > 0) throw new Error(unanswered.join('\n'))
  return `Prometheus answers ${asked} queries`
}

async function ended(load: Load, isServed: boolean): Promise<string> {
  const { acknowledged, failed, lost } = await load.end()
  const told = `${acknowledged} registrations acknowledged, ${failed.length} calls failed, ${lost.length} lost`
  if (lost.length > 0 || (isServed && failed.length > 0))
    throw new Error([told, ...lost, ...failed.slice(0, 10)].join('\n'))
  return told
}

/** Causes 5xx answers until told otherwise, with the schema of a database that refuses connections. */
async function failures(url: string, key: string, isWorking: { readonly value: boolean }): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const made = await post('/v1/datasources', { connectionString: 'postgres://app:secret@127.0.0.1:1/failing' })
  const { id } = z.object({ id: z.string() }).parse(await made.json())
  while (isWorking.value) {
    const { status } = await post(`/api/v1/connections/${bareUuid(id)}/introspect`, {})
    if (status < 500) throw new Error(`a database that refuses connections is answered ${status}`)
    await delay(PAUSE_MS)
  }
}

/** Dates every key back, as if it had come into use earlier, because `keyring retire` checks that date. */
async function age(path: string): Promise<void> {
  const text = await readFile(path, 'utf8')
  const aged = text.replace(/(?<="since": ?")[^"]+/g, since => new Date(Date.parse(since) - LATER_MS).toISOString())
  if (aged === text) throw new Error(`${path} has no key that came into use`)
  await writeFile(path, aged)
}
