/**
 * A dump is restored on another server, and the installation continues there: subscribers reconnect with positions from
 * the first one. For changes that they cannot receive, they must get a reset and list again.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Fault } from '#test/faults/fault.ts'
import { type OwnServer, startOwnServer } from '#test/faults/own-server.ts'
import { MEMBERS, type Scene } from '#test/faults/scene.ts'
import { debianPostgres } from '#test/support/database/debian-postgres.ts'
import { query, quoted } from '#test/support/database/postgres.ts'

const run = promisify(execFile)
const programs = debianPostgres()

/** The roles belong to the server, and are not part of a dump. */
async function copyRoles({ tiers }: Scene, to: OwnServer): Promise<void> {
  for (const url of [tiers.roleUrl.web, tiers.roleUrl.worker]) {
    const { username, password } = new URL(url)
    await query(to.url('postgres'), `create role ${quoted(username)} login password '${password}'`)
  }
}

async function dumpAndRestore(scene: Scene, to: OwnServer): Promise<void> {
  const program = (name: string) => join(programs?.root ?? '', 'bin', name)
  const dump = join(to.dir, 'dump')
  await run(program('pg_dump'), ['--format=custom', `--file=${dump}`, scene.server.url()])
  await query(to.url('postgres'), 'create database mooring')
  await copyRoles(scene, to)
  await run(program('pg_restore'), ['--exit-on-error', `--dbname=${to.url()}`, dump])
}

/** Returns the fault, which knows the server that its scene moves to. */
export function restored(): Fault {
  let port = 0
  return {
    name: 'dump restored elsewhere',
    withinSeconds: 30,
    lastsSeconds: 0,
    leftOut: async () => (programs === null ? 'pg_dump is not installed (Debian: postgresql-15)' : null),
    scene: async () => ({
      server: { programs: programs ?? undefined },
      async between(server) {
        port = server.port
        return url => ({ DATABASE_URL: url.replace(`:${server.port}/`, `:${port}/`) })
      },
    }),
    async begin(scene) {
      // Nothing is acknowledged between the dump and the end of the first server.
      await Promise.all(MEMBERS.map(member => scene.process(member).end('SIGKILL')))
      const other = await startOwnServer({ programs: programs ?? undefined })
      scene.cleanup.defer(() => other.remove())
      await dumpAndRestore(scene, other)
      await scene.server.kill()
      return async () => {
        port = other.port
        scene.rows.url = other.url()
        await Promise.all(MEMBERS.map(member => scene.start(member)))
      }
    },
  }
}
