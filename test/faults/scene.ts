/**
 * An installation as in production, for one fault: its own PostgreSQL, two web processes and two workers under their
 * roles, writers, subscribers, and a balancer's poll of readiness. Everything ends with it, even after an error.
 */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from '#client/index.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { choosePort } from '#server/standalone/embedded/port.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { type Readiness, watchReadiness } from '#test/faults/kinds/readiness.ts'
import { query } from '#test/support/database/postgres.ts'
import type { Customer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { type Load, startLoad } from './load.ts'
import { type OwnServer, type OwnServerOptions, startOwnServer } from './own-server.ts'
import { startWatcher, type Watcher } from './watcher.ts'

const WRITERS = 5
const WARM = 25
const WARM_MS = 60_000
const LOOK_MS = 50

/** The name of a process; a restarted process keeps its port. */
export type Member = 'web-1' | 'web-2' | 'worker-1' | 'worker-2'
/** The names of all processes. */
export const MEMBERS: readonly Member[] = ['web-1', 'web-2', 'worker-1', 'worker-2']

/** The options of a scene. */
export interface SceneOptions {
  readonly server?: OwnServerOptions
  /** A proxy between the processes and the server: returns the environment that leads a tier's URL there. */
  between?(
    server: OwnServer,
    cleanup: AsyncDisposableStack,
    tiers: Tiers,
  ): Promise<(url: string) => Record<string, string>>
  /** A proxy in front of the web processes: returns the writers' target in place of them. */
  before?(urls: readonly string[], cleanup: AsyncDisposableStack): Promise<readonly string[]>
  /** Node flags for a process. */
  flags?(member: Member): readonly string[]
}

/** A running installation. */
export interface Scene {
  readonly server: OwnServer
  readonly tiers: Tiers
  readonly urls: readonly string[]
  readonly load: Load
  readonly watchers: readonly Watcher[]
  readonly readiness: Readiness
  /** A client of each web process, for an organization that only the recovery check writes to. */
  readonly probes: readonly Client[]
  readonly customer: Customer
  process(member: Member): TierProcess
  /** Starts a process, also after it was ended. */
  start(member: Member, env?: Readonly<Record<string, string>>): Promise<void>
  /** The server that has the rows now: another one after a failover or a restore. */
  rows: { url: string }
  readonly cleanup: AsyncDisposableStack
}

/** Builds one and waits until its load runs. The caller disposes of its stack. */
export async function makeScene(
  options: SceneOptions,
  { customer, cleanup }: { customer: Customer; cleanup: AsyncDisposableStack },
): Promise<Scene> {
  const server = await startOwnServer(options.server)
  cleanup.defer(() => server.remove())
  await query(server.url('postgres'), 'create database mooring')
  await migrate(server.url())
  const tiers = await makeTiers({ url: server.url(), drop: async () => undefined })
  cleanup.defer(() => tiers.stop())
  const members = await startMembers(options, { server, tiers, cleanup })
  const { urls } = members
  const key = tiers.organization.testKey
  const watchers = [urls, urls.toReversed()].map(ways => startWatcher({ urls: ways, key }))
  for (const watcher of watchers) cleanup.defer(() => watcher.stop())
  const readiness = watchReadiness(urls)
  cleanup.defer(() => readiness.stop())
  const written = (await options.before?.(urls, cleanup)) ?? urls
  const load = startLoad({ urls: written, key, connectionString: name => stringOf(customer, name) }, WRITERS)
  cleanup.defer(() => load.stop(0))
  const probeKey = await otherKey(tiers)
  const webs = [members.process('web-1'), members.process('web-2')]
  const probes = await Promise.all(webs.map(web => tiers.client(web, { key: probeKey, seal: false })))
  await warm(load)
  const rows = { url: server.url() }
  return { server, tiers, ...members, load, watchers, readiness, probes, customer, rows, cleanup }
}

/** The processes, each on a fixed port. */
async function startMembers(
  options: SceneOptions,
  { server, tiers, cleanup: stack }: Pick<Scene, 'server' | 'tiers' | 'cleanup'>,
): Promise<Pick<Scene, 'urls' | 'process' | 'start'>> {
  const lead = (await options.between?.(server, stack, tiers)) ?? (url => ({ DATABASE_URL: url }))
  const ports = new Map<Member, number>()
  for (const member of MEMBERS) ports.set(member, await choosePort(join(tiers.dir, member)))
  const processes = new Map<Member, TierProcess>()
  const start = async (member: Member, env: Readonly<Record<string, string>> = {}) => {
    const tier = member.startsWith('web') ? 'web' : 'worker'
    const started = await tiers.start(tier, {
      env: { ...lead(tiers.roleUrl[tier]), PORT: String(ports.get(member)), ...env },
      flags: ['--disable-sigusr1', ...(options.flags?.(member) ?? [])],
    })
    processes.set(member, started)
  }
  // A process that was frozen ends by nothing less.
  stack.defer(async () => void (await Promise.all([...processes.values()].map(one => one.end('SIGKILL')))))
  await Promise.all(MEMBERS.map(member => start(member)))
  return {
    urls: (['web-1', 'web-2'] as const).map(member => `http://127.0.0.1:${ports.get(member)}`),
    start,
    process(member) {
      const one = processes.get(member)
      if (one === undefined) throw new Error(`${member} was not started`)
      return one
    },
  }
}

function stringOf(customer: Customer, name: string): string {
  return customer.url('reader', { parameters: `application_name=${encodeURIComponent(name)}` })
}

/** Checks of the organization under writes wait for each other: the recovery check uses another one. */
async function otherKey(tiers: Tiers): Promise<string> {
  const deps = { db: tiers.db, keyring: await tiers.keyring(), now: new Date() }
  const organizationId = await createOrganization(deps, 'Probe')
  return createKeyAsOperator(deps, { organizationId, mode: 'test', name: null })
}

async function warm(load: Load): Promise<void> {
  const until = performance.now() + WARM_MS
  while (load.acknowledged() < WARM) {
    if (performance.now() > until) throw new Error('the load did not begin')
    await wait(LOOK_MS)
  }
}
