/**
 * The primary is lost and its synchronous standby promoted: `DATABASE_URL` names both, and requires a session that can
 * write. None of our processes is restarted.
 */
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Fault } from '#test/faults/fault.ts'
import { type OwnServer, startOwnServer } from '#test/faults/own-server.ts'
import { query } from '#test/support/database/postgres.ts'

const HBA = 'host replication all 127.0.0.1/32 scram-sha-256'
const LOOK_MS = 100
const LOOKS = 300

/** A copy of the stopped server, as its standby; both run when it resolves, and each commit waits for both. */
async function addStandby(primary: OwnServer, cleanup: AsyncDisposableStack): Promise<OwnServer> {
  const dir = await mkdtemp(join(tmpdir(), 'mooring-standby-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  const { username, password } = new URL(primary.url())
  await primary.stop()
  await primary.copyTo(dir)
  await primary.start()
  const pgdata = join(dir, 'cluster', 'data')
  await writeFile(join(pgdata, 'standby.signal'), '')
  const source = `host=127.0.0.1 port=${primary.port} user=${username} password=${password} application_name=standby`
  await appendFile(join(pgdata, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`)
  const standby = await startOwnServer({ dir, hba: HBA })
  cleanup.defer(() => standby.remove())
  await query(primary.url(), 'alter system set synchronous_standby_names = standby')
  await query(primary.url(), 'select pg_reload_conf()')
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const [row] = await query(primary.url(), `select sync_state from pg_stat_replication`)
    if (row?.['sync_state'] === 'sync') return standby
    await wait(LOOK_MS)
  }
  throw new Error('the standby did not become synchronous')
}

/** Returns the fault, whose scene creates the standby. */
export function promoted(): Fault {
  let standby: OwnServer | null = null
  return {
    name: 'standby promoted',
    withinSeconds: 10,
    lastsSeconds: 2,
    scene: async () => ({
      server: { hba: HBA },
      async between(server, cleanup) {
        const added = await addStandby(server, cleanup)
        standby = added
        const both = `:${server.port},127.0.0.1:${added.port}/`
        return url => ({
          DATABASE_URL: `${url.replace(`:${server.port}/`, both)}?target_session_attrs=read-write`,
        })
      },
    }),
    async begin(scene) {
      await scene.server.kill()
      return async () => {
        if (standby === null) throw new Error('the scene has no standby')
        scene.rows.url = standby.url()
        await query(standby.url(), `alter system set synchronous_standby_names = ''`).catch(() => undefined)
        await query(standby.url(), 'select pg_promote(true)')
      }
    },
  }
}
