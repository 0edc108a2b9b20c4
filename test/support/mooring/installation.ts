/**
 * An operator's preparation of Mooring on their own database:
 * migrated tables, keyrings, an organization, a key.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/database/db.ts'
import { freshDatabase } from '#test/support/database/database.ts'

/** A prepared installation. None of its processes runs. */
export interface Installation {
  readonly databaseUrl: string
  /** The folder with both keyrings. */
  readonly keyrings: string
  readonly testKey: string
  /** The environment of an entry that serves on a free port of this machine and may dial it. */
  env(role: 'web' | 'worker' | 'both'): Record<string, string>
  remove(): Promise<void>
}

/** Prepares an installation. The test removes it. */
export async function prepareInstallation(): Promise<Installation> {
  const database = await freshDatabase()
  const keyrings = await mkdtemp(join(tmpdir(), 'mooring-keyrings-'))
  await initKeyrings(keyrings, newKeyId)
  const db = openDb({ url: database.url, size: 1, onError: () => undefined })
  const operator = { db, keyring: await readWorkerKeyring(join(keyrings, 'worker.json')), now: new Date() }
  const organizationId = await createOrganization(operator, 'First')
  const testKey = await createKeyAsOperator(operator, { organizationId, mode: 'test', name: null })
  await db.destroy()
  return {
    databaseUrl: database.url,
    keyrings,
    testKey,
    env: role => ({
      PORT: '0',
      HOST: '127.0.0.1',
      DATABASE_URL: database.url,
      MOORING_KEYRING: role === 'both' ? keyrings : join(keyrings, `${role}.json`),
      MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
    }),
    remove: async () => {
      await database.drop()
      await rm(keyrings, { recursive: true, force: true })
    },
  }
}
