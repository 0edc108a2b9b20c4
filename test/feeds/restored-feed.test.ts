/**
 * Our own database is restored elsewhere, copied or promoted, and issues numbers a second time. Reconnecting
 * subscribers get a reset and list again, and no subscriber gets old changes as new.
 */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '#client/index.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { type Embedded, startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { openDb } from '#server/store/database/db.ts'
import { isReported, readOrigin, recogniseOrigin } from '#server/store/installation/installation.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { type EventStream, watchDatasources } from '#test/support/changes/event-stream.ts'
import { isLeftOut } from '#test/support/database/debian-postgres.ts'
import { query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'

const run = promisify(execFile)

let mooring: Mooring
const cleanup = new AsyncDisposableStack()
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  cleanup.defer(() => mooring.stop())
})
afterAll(() => cleanup.disposeAsync())

/**
 * An installation in a database: one organization, one datasource, and a web process that can be stopped and started.
 */
interface Served {
  readonly url: string
  readonly key: string
  readonly id: DatasourceId
}

const overDb = async <T>(url: string, work: (db: ReturnType<typeof openDb>) => Promise<T>): Promise<T> => {
  const db = openDb({ url, size: 1, onError: () => undefined })
  return work(db).finally(() => db.destroy())
}

/**
 * Prepares an installation with the running Mooring's keyring, so that its keys are valid wherever the database is
 * restored.
 */
async function installed(url: string): Promise<Served> {
  await migrate(url)
  const key = await overDb(url, async db => {
    const deps = { db, keyring: mooring.keyring, now: new Date() }
    const organizationId = await createOrganization(deps, 'Restored')
    return createKeyAsOperator(deps, { organizationId, mode: 'test', name: null })
  })
  const connectionString = 'postgresql://reader:secret@127.0.0.1:1/shop'
  const id = await serving(url, async web => {
    const made = await createClient({ url: web, key, seal: false, retries: 0 }).datasources.register.mutate({
      connectionString,
    })
    return made.id
  })
  return { url, key, id }
}

async function serving<T>(databaseUrl: string, work: (web: string) => Promise<T>): Promise<T> {
  const web = await secondWeb(mooring, { DATABASE_URL: databaseUrl })
  return work(web.url).finally(() => web.stop())
}

async function rename(web: string, { key, id }: Served, ...names: string[]): Promise<void> {
  for (const name of names)
    await createClient({ url: web, key, seal: false, retries: 0 }).datasources.update.mutate({ id, name })
}

const changes = (stream: EventStream) => stream.messages.map(({ text }): string => JSON.parse(text).change)

/** Serves a subscriber on the first database, copies it, and continues both. Returns the subscriber's positions. */
async function toldBefore(served: Served, copy: () => Promise<void>): Promise<{ before: string; after: string }> {
  const places = await serving(served.url, async web => {
    const stream = await watchDatasources({ url: web, key: served.key })
    await rename(web, served, 'one')
    await stream.count(1)
    await copy()
    await rename(web, served, 'two', 'three')
    await stream.count(3)
    await stream.close()
    return stream.messages.map(message => message.id)
  })
  return { before: places[0] ?? '', after: places[2] ?? '' }
}

/**
 * Asserts the copy's deliveries: reconnecting subscribers list again, from any position; new ones get nothing from
 * before.
 */
async function expectReset(served: Served, copyUrl: string, places: { before: string; after: string }): Promise<void> {
  await serving(copyUrl, async web => {
    // As many changes as the first one has had since, and more: a number alone would look like a continuation.
    await rename(web, served, 'a', 'b', 'c', 'd', 'e')
    const fresh = await watchDatasources({ url: web, key: served.key })
    const back = await Promise.all(
      [places.before, places.after].map(lastEventId => watchDatasources({ url: web, key: served.key, lastEventId })),
    )
    for (const stream of back) await stream.count(1)
    await rename(web, served, 'f')
    for (const stream of back) await stream.count(2)
    await fresh.count(1)
    expect(back.map(changes)).toEqual(back.map(() => ['reset', 'updated']))
    expect(changes(fresh)).toEqual(['updated'])
    const [epochs] = [new Set(back.flatMap(stream => stream.messages.map(message => message.id.split('-')[0])))]
    expect(epochs.size).toBe(1)
    expect(epochs).not.toContain(places.after.split('-')[0])
    for (const stream of [...back, fresh]) await stream.close()
    // Once, however many look.
    const again = await watchDatasources({ url: web, key: served.key, lastEventId: back[0]?.messages[1]?.id ?? '' })
    await rename(web, served, 'g')
    await again.count(1)
    expect(changes(again)).toEqual(['updated'])
    await again.close()
  })
  expect(await overDb(copyUrl, async db => recogniseOrigin(db, await readOrigin(db)))).toBe(false)
}

const isThere = async (program: string) =>
  run(program, ['--version'])
    .then(() => true)
    .catch(() => false)

describe('A dump', () => {
  let servers: TestServer[]
  beforeAll(async () => {
    servers = await Promise.all([startServer({ major: 15 }), startServer({ major: 15 })])
  })
  afterAll(async () => {
    for (const server of servers) await server.stop()
  })

  it.each([
    ['on another server', 1],
    ['as another database of the same server', 0],
  ])('restored %s begins another epoch', async (_where, at) => {
    if (isLeftOut('pg_dump', await isThere('pg_dump'))) return
    const [source, target] = [servers[0], servers[at]]
    if (source === undefined || target === undefined) throw new Error('there are two')
    const of = await installed(await source.createDatabase(`first_${at}`))
    const copyUrl = await target.createDatabase(`second_${at}`)
    const dir = await mkdtemp(join(tmpdir(), 'mooring-dump-'))
    const file = join(dir, 'dump.sql')
    const places = await toldBefore(of, async () => {
      await run('pg_dump', ['--dbname', of.url, '--file', file])
    })
    await run('psql', ['--no-psqlrc', '--set', 'ON_ERROR_STOP=1', '--quiet', '--dbname', copyUrl, '--file', file])
    await rm(dir, { recursive: true })
    await expectReset(of, copyUrl, places)
  })
})

describe('A copy of the whole server that is recovered from its log', () => {
  it('continues under another timeline, and begins another epoch', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'mooring-copied-'))
    const [first, second] = [join(dir, 'first'), join(dir, 'second')]
    const start = (at: string, settings = {}) => startEmbedded({ dir: at, tls: false, tethered: true, settings })
    let server: Embedded = await start(first)
    const of = await installed(server.url)
    const places = await toldBefore(of, async () => undefined)
    await server.stop()
    await cp(first, second, { recursive: true })
    await writeFile(join(second, 'cluster', 'data', 'recovery.signal'), '')
    server = await start(second, { restore_command: 'false' })
    // It serves reads before the recovery has ended.
    while ((await query(server.url, 'select where pg_is_in_recovery()')).length > 0);
    await expectReset(of, server.url, places)
    await server.stop()
    await rm(dir, { recursive: true })
  })
})

describe('A copy that is indistinguishable from the original', () => {
  it('needs an operator’s db restored: all connected subscribers then list again', async () => {
    const { key } = { key: mooring.organization.testKey }
    const stream = await watchDatasources({ url: mooring.url, key })
    const deps = { db: mooring.db, databaseUrl: mooring.databaseUrl, keyringDir: mooring.config.keyring }
    const ran = await operator(deps)('db', 'restored')
    expect([ran.status, ran.printed]).toEqual([0, []])
    expect(ran.complained).toContain('list again')
    expect(ran.complained).toContain('can identify another server by itself')
    await stream.count(1)
    expect(changes(stream)).toEqual(['reset'])
    await stream.close()
  })
})

describe('A role that may not read the server’s identity', () => {
  it('ends no epoch for that, does not overwrite what other roles could read, and reports the remedy', async () => {
    const before = await query(mooring.databaseUrl, 'select system_identifier, timeline, relation from installation')
    expect(before[0]?.['system_identifier']).toMatch(/^\d+$/)
    for (const name of ['pg_control_system()', 'pg_control_checkpoint()', 'pg_walfile_name(pg_lsn)'])
      await query(mooring.databaseUrl, `revoke execute on function ${name} from public`)
    const role = `reader_${Date.now()}`
    await query(
      mooring.databaseUrl,
      `create role ${role} login password 'reader' in role pg_read_all_data, pg_write_all_data`,
    )
    const url = new URL(mooring.databaseUrl)
    url.username = role
    url.password = 'reader'
    const here = await overDb(url.href, readOrigin)
    expect([isReported(here), here.systemIdentifier, here.timeline]).toEqual([false, null, null])
    expect(await overDb(url.href, db => recogniseOrigin(db, here))).toBe(false)
    const read = 'select system_identifier, timeline, relation from installation'
    expect(await query(mooring.databaseUrl, read)).toEqual(before)
    const ran = await overDb(url.href, db =>
      operator({ db, databaseUrl: url.href, keyringDir: mooring.config.keyring })('db', 'restored'),
    )
    expect(ran.complained).toContain('run this command after each restore')
    await query(mooring.databaseUrl, `drop owned by ${role}; drop role ${role}`)
  })
})
