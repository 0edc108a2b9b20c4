/**
 * Our own database behind a real PgBouncer: session mode works as without one, transaction mode works as documented,
 * and a configuration that would fail silently is refused in one sentence.
 */
import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { handedOut } from '#server/store/connection/session-check.ts'
import { isLeftOut } from '#test/support/database/debian-postgres.ts'
import { hasPgBouncer, type PgBouncerOptions, startPgBouncer } from '#test/support/database/pgbouncer.ts'
import { query } from '#test/support/database/postgres.ts'
import { CORE_STORY, liveCoreStory } from '#test/support/mooring/core-story.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

let tiers: Tiers
let customer: Customer
const cleanup = new AsyncDisposableStack()
const running: { stop(): Promise<unknown> }[] = []
beforeAll(async () => {
  customer = await makeCustomer()
  cleanup.defer(() => customer.drop())
  tiers = await makeTiers()
  cleanup.defer(() => tiers.stop())
})
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop()
})
afterAll(() => cleanup.disposeAsync())

async function pooler(mode: PgBouncerOptions['mode'], settings: PgBouncerOptions['settings'] = {}) {
  const logins = [tiers.databaseUrl, tiers.roleUrl.web, tiers.roleUrl.worker]
  const one = await startPgBouncer({ server: tiers.databaseUrl, mode, logins, settings })
  running.push(one)
  return one
}

/** Starts a process of a tier through the pooler; `direct` adds a URL around it. */
async function start(
  tier: 'web' | 'worker',
  { through, direct }: { through(url: string): string; direct: boolean },
): Promise<TierProcess> {
  const url = tiers.roleUrl[tier]
  const env = { DATABASE_URL: through(url), ...(direct ? { MOORING_LISTEN_URL: url } : {}) }
  const one = await tiers.start(tier, { env, flags: ['--disable-sigusr1'] })
  running.push({ stop: () => one.end() })
  return one
}

const complaints = (one: TierProcess) => one.lines().filter(line => Number(line['level']) >= 40)

type Entry = 'web' | 'worker' | 'main' | 'cli'

const envOf = (entry: Entry, url: string) => ({
  PORT: '0',
  HOST: '127.0.0.1',
  DATABASE_URL: url,
  MOORING_KEYRING: entry === 'web' || entry === 'worker' ? `${tiers.dir}/${entry}.json` : tiers.dir,
  MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
})

const urlOf = (entry: Entry) => (entry === 'web' || entry === 'worker' ? tiers.roleUrl[entry] : tiers.databaseUrl)

async function refusal(entry: Entry, env: Record<string, string>, args: string[] = []): Promise<unknown[]> {
  const one = startEntry(entry, env, args)
  running.push({ stop: () => one.stop('SIGKILL') })
  return [await one.ended, one.err(), one.out]
}

const HANDED_ON =
  'DATABASE_URL leads to a pooler that does not keep sessions. Use its session mode, or set MOORING_LISTEN_URL to the server itself.\n'

describe.skipIf(isLeftOut('PgBouncer', hasPgBouncer))('Behind PgBouncer', () => {
  it('in session mode everything works without a warning', async () => {
    const { through } = await pooler('session')
    const web = await start('web', { through, direct: false })
    const worker = await start('worker', { through, direct: false })
    const reported = await liveCoreStory(tiers, [web], customer)
    expect(reported).toEqual({ ...CORE_STORY, leasedFrom: customer.database })
    expect([web, worker].flatMap(complaints)).toEqual([])
  })

  it.each(['web', 'worker', 'main'] as const)('in transaction mode %s does not start through it alone', async entry => {
    const { through } = await pooler('transaction')
    expect(await refusal(entry, envOf(entry, through(urlOf(entry))))).toEqual([1, HANDED_ON, []])
  })

  it('in transaction mode no command works through it alone', async () => {
    const { through } = await pooler('transaction')
    const env = envOf('cli', through(tiers.databaseUrl))
    for (const args of [['migrate'], ['keys', 'list']])
      expect(await refusal('cli', env, args)).toEqual([1, HANDED_ON, []])
    const around = startEntry('cli', { ...env, MOORING_LISTEN_URL: tiers.databaseUrl }, ['keys', 'list'])
    expect([await around.ended, around.err(), around.out.length]).toEqual([0, '', 1])
  })

  it('in statement mode no entry starts, with a URL around it or without', async () => {
    const { through } = await pooler('statement')
    const url = through(tiers.roleUrl.web)
    expect(await refusal('web', envOf('web', url))).toEqual([1, HANDED_ON, []])
    const around = { ...envOf('web', url), MOORING_LISTEN_URL: tiers.roleUrl.web }
    const sentence =
      'DATABASE_URL leads to a pooler in statement mode, which does not support transactions. Use its transaction mode or session mode.\n'
    expect(await refusal('web', around)).toEqual([1, sentence, []])
    const handedOn = { ...around, DATABASE_URL: tiers.roleUrl.web, MOORING_LISTEN_URL: url }
    const listening = 'MOORING_LISTEN_URL must lead to the server itself, or to a pooler in session mode.\n'
    expect(await refusal('web', handedOn)).toEqual([1, listening, []])
  })

  it('the mode is detected though several processes hold all connections while each waits for another', async () => {
    const settings = { default_pool_size: '2', min_pool_size: '2', server_round_robin: '1' }
    const { through } = await pooler('transaction', settings)
    for (let time = 0; time < 5; time += 1) {
      const found = await Promise.all(Array.from({ length: 8 }, () => handedOut(through(tiers.databaseUrl))))
      expect(new Set(found)).toEqual(new Set(['transaction']))
    }
  })

  it('the mode is detected for any number of its connections, in any order that it hands them out', async () => {
    for (const size of ['1', '2', '3'])
      for (const order of ['0', '1']) {
        const settings = { default_pool_size: size, min_pool_size: size, server_round_robin: order }
        const { through } = await pooler('transaction', settings)
        const kept = await Promise.all([1, 2, 3].map(() => handedOut(through(tiers.databaseUrl))))
        expect([size, order, ...kept]).toEqual([size, order, 'transaction', 'transaction', 'transaction'])
      }
    const { through } = await pooler('session', { default_pool_size: '6' })
    expect(await Promise.all([1, 2, 3].map(() => handedOut(through(tiers.databaseUrl))))).toEqual(
      Array.from({ length: 3 }, () => 'session'),
    )
  })
})

/** The ini of the manual, as an operator copies it. */
async function documented(): Promise<Record<string, string>> {
  const text = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const block = /```ini\n[^`]*\[pgbouncer\]([^`]*)```/.exec(text)?.[1] ?? ''
  const settings = [...block.matchAll(/^(\w+) = (.*)$/gm)].map(([, name = '', value = '']) => [name, value])
  const ours = ['listen_addr', 'listen_port', 'auth_file', 'auth_type', 'unix_socket_dir']
  return Object.fromEntries(settings.filter(([name = '']) => !ours.includes(name)))
}

/** The session state that a client of the pooler finds in its connection. */
const LEFT_BEHIND = `select
  (select array_agg(name || '=' || setting) from pg_settings
    where source = 'session' and name not in ('client_encoding', 'DateStyle', 'TimeZone', 'application_name')) as settings,
  (select array_agg(name) from pg_prepared_statements) as statements,
  (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
  (select array_agg(relname::text) from pg_class where relpersistence = 't') as tables,
  (select array_agg(c) from pg_listening_channels() as c) as channels`
const NOTHING = { settings: null, statements: null, locks: 0, tables: null, channels: null }

describe.skipIf(isLeftOut('PgBouncer', hasPgBouncer))('In transaction mode, by the documented way', () => {
  it('several processes do the main job over few connections, and no answer is another’s', async () => {
    const settings = { ...(await documented()), default_pool_size: '3' }
    expect(settings).toMatchObject({ pool_mode: 'transaction' })
    const { through } = await pooler('transaction', settings)
    const ways = { through, direct: true }
    const webs = [await start('web', ways), await start('web', ways)] as const
    const worker = await start('worker', ways)
    const reported = await liveCoreStory(tiers, webs, customer)
    expect(reported).toEqual({ ...CORE_STORY, leasedFrom: customer.database })
    const clients = await Promise.all(webs.map(web => tiers.client(web, { seal: false })))
    const one = async (n: number) => {
      const [mine, other] = n % 2 === 0 ? clients : clients.toReversed()
      if (mine === undefined || other === undefined) throw new Error('there are two')
      const name = `pooled ${n}`
      const connectionString = customer.url('reader', { parameters: `application_name=pooled_${n}` })
      const made = await mine.datasources.register.mutate({ connectionString, name, idempotencyKey: name })
      const again = await other.datasources.register.mutate({ connectionString, name, idempotencyKey: name })
      const read = await other.datasources.get.query({ id: made.id })
      const renamed = await mine.datasources.update.mutate({ id: made.id, metadata: { n: String(n) } })
      const expected = [name, made.id, made.id, name, String(n)]
      expect([made.name, again.id, read.id, read.name, renamed.metadata['n']]).toEqual(expected)
    }
    // As many at once as one organization may run, on fewer connections of the server.
    const lanes = [0, 1, 2, 3].map(async lane => {
      for (let n = lane; n < 60; n += 4) await one(n)
    })
    await Promise.all(lanes)
    expect([...webs, worker].flatMap(complaints)).toEqual([])
    // Inspects every connection of the pooler: a few clients hold them all at once.
    for (const url of [tiers.roleUrl.web, tiers.roleUrl.worker])
      expect(await Promise.all([1, 2, 3].map(() => query(through(url), LEFT_BEHIND)))).toEqual(
        Array.from({ length: 3 }, () => [NOTHING]),
      )
  })

  it('`main` migrates around the pooler, sets nothing in its connections, and reports the role’s missing settings', async () => {
    const { through } = await pooler('transaction', { ...(await documented()), default_pool_size: '2' })
    const env = { ...envOf('main', through(tiers.databaseUrl)), MOORING_LISTEN_URL: tiers.databaseUrl }
    const main = startEntry('main', env)
    running.push({ stop: () => main.stop('SIGKILL') })
    await main.line(/web and worker are running/)
    const warnings = (one: Running) => one.out.filter(line => /"level":[456]0/.test(line))
    const deadlines = expect.stringContaining('lacks the deadlines')
    expect(warnings(main)).toEqual([deadlines, deadlines])
    const [left] = await query(through(tiers.databaseUrl), LEFT_BEHIND)
    expect(left).toEqual(NOTHING)
  })
})
