/**
 * Installations for commands: one is prepared with an organization and the objects that commands act on, and is cloned
 * for each try with the same ids.
 */
import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '#server/domain/access/ids.ts'
import { migrate, migrationNames } from '#server/store/installation/migrate.ts'
import { typedId } from '#shared/base/wire.ts'
import { migrateBefore } from '#test/support/database/former-schema.ts'
import { databaseUrl, query, quoted, startServer } from '#test/support/database/postgres.ts'
import { leaseCapability } from '#test/support/keys/leasing.ts'
import { makeCredentials } from '#test/support/keys/many-credentials.ts'
import { startMooring } from '#test/support/mooring/mooring.ts'
import { startResealer } from './resealer.ts'

/** The environment of commands. */
export interface CommandScene {
  /** The folder with both keyrings, to be copied. */
  readonly keyrings: string
  readonly organization: string
  /** Ids as a person types them. */
  readonly key: string
  readonly lease: string
  /** The roles of the web tier and the worker. */
  readonly roles: { readonly web: string; readonly worker: string }
  /**
   * Clones a database: the prepared one, one without the last migration, or an installation without an organization.
   */
  clone(which: 'ready' | 'behind' | 'empty'): Promise<string>
  drop(url: string): Promise<void>
  /** Starts a worker that reseals on a clone; the returned function stops it. */
  work(url: string, keyrings: string): Promise<() => Promise<void>>
}

/** Creates the scene; `cleanup` stops it. */
export async function makeCommandScene(cleanup: AsyncDisposableStack): Promise<CommandScene> {
  const server = await startServer()
  cleanup.defer(() => server.stop())
  const [ready, behind, empty] = await Promise.all(
    ['ready', 'behind', 'empty'].map(name => server.createDatabase(name)),
  )
  if (ready === undefined || behind === undefined || empty === undefined) throw new Error('three were made')
  await Promise.all([migrate(ready), migrate(empty), migrateBefore(behind, await lastMigration())])
  const keyrings = await mkdtemp(join(tmpdir(), 'mooring-nth-keyrings-'))
  cleanup.defer(() => rm(keyrings, { recursive: true, force: true }))
  const roles = { web: 'nth_web', worker: 'nth_worker' }
  await server.query(`create role ${roles.web} login; create role ${roles.worker} login`)
  return {
    ...(await prepared(ready, keyrings)),
    keyrings,
    roles,
    async clone(which) {
      const name = `nth_${randomUUID()}`
      await query(server.adminUrl, `create database ${quoted(name)} template ${which} strategy file_copy`)
      return databaseUrl(server.adminUrl, name)
    },
    drop: async url => {
      await query(server.adminUrl, `drop database ${quoted(new URL(url).pathname.slice(1))} with (force)`)
    },
    work: startResealer,
  }
}

async function lastMigration(): Promise<string> {
  return (await migrationNames()).at(-1)?.replace(/^\d+_/, '') ?? ''
}

/** Creates an organization with a key, a registered database, a capability and a lease of it. */
async function prepared(url: string, keyrings: string) {
  const mooring = await startMooring({ databaseUrl: url, worker: false })
  try {
    await cp(mooring.config.keyring, keyrings, { recursive: true })
    const { db, keyring, organization } = mooring
    await makeCredentials({ db, keyring, organizationId: organization.id }, 2)
    await leaseCapability({ db, keyring, organization })
    const lease = newId()
    await query(
      url,
      `insert into leases (org_id, id, datasource_id, capability_id, version, granted_at, expires_at)
       select d.org_id, '${lease}', d.id, c.id, 1, now(), now() + interval '1 day'
       from datasources d join capabilities c using (org_id) where d.org_id = '${organization.id}' limit 1`,
    )
    const [key] = await query(url, `select id from api_keys where org_id = '${organization.id}' limit 1`)
    return {
      organization: organization.id,
      key: typedId('key_', String(key?.['id'])),
      lease: typedId('lease_', lease),
    }
  } finally {
    await mooring.stop()
  }
}
