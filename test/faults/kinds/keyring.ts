/**
 * A worker with the keyring of another installation is started beside the right ones. It must not start, or must
 * release the tasks that it cannot open: no customer's datasource may be blamed for it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { initKeyrings } from '#server/seal/keyring-file.ts'
import type { Fault } from '#test/faults/fault.ts'
import { query } from '#test/support/database/postgres.ts'

/** The fault. */
export const otherKeyring: Fault = {
  name: 'another keyring',
  withinSeconds: 20,
  sparesMeanwhile: 'everyone',
  lastsSeconds: 6,
  async begin({ tiers, cleanup }) {
    const dir = await mkdtemp(join(tmpdir(), 'mooring-other-keyring-'))
    cleanup.defer(() => rm(dir, { recursive: true, force: true }))
    await initKeyrings(dir, newKeyId)
    const env = { MOORING_KEYRING: join(dir, 'worker.json') }
    // A worker that refuses to start is as good as one that releases its tasks.
    const worker = await tiers.start('worker', { env }).catch(() => null)
    return async () => worker?.end()
  },
  async after({ rows }) {
    const blamed = await query(
      rows.url,
      `select status_reason as reason, count(*)::int as count from datasources
       where status = 'rejected' or status_reason = 'credential_unreadable' group by 1`,
    )
    return blamed.map(row => `${row['count']} datasources are blamed: ${row['reason']}`)
  },
}
