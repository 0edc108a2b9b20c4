/**
 * The local mode: without `DATABASE_URL`, a PostgreSQL of our own under the data folder, keyrings made at the first start,
 * an organization with two keys, and a sample database to register. For trying Mooring and for small installs.
 */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { createDatabase } from '#server/embedded/database.ts'
import { newKeyId } from '#server/operator/keyring.ts'
import { createKey } from '#server/operator/keys.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { type Db, openDb } from '#server/store/db.ts'
import { migrate } from '#server/store/migrate.ts'
import * as organizations from '#server/store/organizations.ts'
import type { Config } from './config.ts'
import { type Embedded, startEmbedded } from './embedded.ts'
import { ensureSample } from './sample.ts'

/** A local PostgreSQL with Mooring's database in it. */
export interface LocalDatabase {
  readonly embedded: Embedded
  readonly url: string
}

/** Starts, or joins, the embedded server of the data folder, and makes Mooring's database in it. */
export async function startLocalDatabase(config: Config): Promise<LocalDatabase> {
  const embedded = await startEmbedded({ dir: join(config.localDir, 'postgres') })
  return { embedded, url: await createDatabase(embedded.url, 'mooring') }
}

/** What the first start makes: shown once. */
export interface Welcome {
  readonly testKey: string
  readonly liveKey: string
}

/** Makes the keyrings when there are none. Without the old ones nothing sealed could be opened, so none is replaced. */
export async function ensureKeyrings(config: Config): Promise<void> {
  const there = await access(join(config.keyring, 'worker.json')).then(
    () => true,
    () => false,
  )
  if (!there) await initKeyrings(config.keyring, newKeyId)
}

/** Migrates; at the first start makes an organization and two keys, which are returned then and never again. */
export async function prepareLocal(config: Config, url: string): Promise<Welcome | null> {
  await migrate(url)
  await ensureKeyrings(config)
  const db = openDb({ url, size: 1, onError: () => undefined })
  try {
    return (await organizations.first(db)) === undefined ? await welcome(config, db) : null
  } finally {
    await db.destroy()
  }
}

async function welcome(config: Config, db: Db): Promise<Welcome> {
  const keyring = await readWorkerKeyring(join(config.keyring, 'worker.json'))
  const organizationId = await createOrganization({ db, keyring, now: new Date() }, 'Local')
  const made = (mode: 'live' | 'test') =>
    createKey({ db, keyring, now: new Date() }, { organizationId, mode, name: 'first start' })
  return { testKey: await made('test'), liveKey: await made('live') }
}

/** The text of the first start: keys, and a request for each dialect that can be pasted as it is. */
export async function greeting(
  config: Config,
  at: { local: LocalDatabase; port: number; welcome: Welcome | null },
): Promise<string> {
  const url = `http://localhost:${at.port}`
  const lines = [`Mooring is at ${url}`]
  if (config.openNetworksByDefault)
    lines.push('Local mode: databases on loopback may be registered (MOORING_ALLOWED_NETWORKS replaces this).')
  const sample = await ensureSample(at.local.embedded, config.localDir)
  if (at.welcome === null) return `${lines.join('\n')}\n`
  const { testKey, liveKey } = at.welcome
  lines.push(
    '',
    'Two API keys, shown this once:',
    `  test  ${testKey}`,
    `  live  ${liveKey}`,
    '',
    'Register the sample database through the connections dialect:',
    curl(`${url}/api/v1/connections`, `X-API-Key: ${testKey}`, {
      name: 'Sample',
      db_type: 'postgresql',
      connection_string: sample.connectionString,
    }),
    '',
    'and through the datasources dialect, waiting up to 10 s for the verdict:',
    curl(`${url}/v1/datasources`, `Authorization: Bearer ${testKey}`, { connectionString: sample.connectionString }),
    '',
  )
  return lines.join('\n')
}

function curl(url: string, header: string, body: object): string {
  return `  curl -sS ${url} -H '${header}' -H 'Content-Type: application/json' -H 'Prefer: wait=10' \\\n    -d '${JSON.stringify(body)}'`
}
