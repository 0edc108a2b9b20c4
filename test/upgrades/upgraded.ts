/**
 * Every schema of the fixtures in one cluster, which `pg_upgrade` upgrades to Debian's own PostgreSQL 15: introspected
 * before and after. Called by `npm run test:upgrades`.
 */
import { once } from 'node:events'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Binaries } from '#server/standalone/embedded/binaries.ts'
import { clusterPaths } from '#server/standalone/embedded/cluster.ts'
import { type Embedded, startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { chooseIdentity, launch } from '#server/standalone/embedded/process.ts'
import type { Change } from '#shared/schemas/drift/drift.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { debianPostgres } from '#test/support/database/debian-postgres.ts'
import { query } from '#test/support/database/postgres.ts'
import { readCatalog } from '#test/support/schemas/catalog.ts'
import { loadFile } from '#test/support/schemas/load-file.ts'
import { Missing, type Programs } from './archive.ts'
import { fixturesFor, NOT_RESTORABLE, type Outcome, outcomeOf } from './dumped.ts'

const SETTINGS = { fsync: 'off', wal_level: 'logical' }
// pg_upgrade connects through a socket that it creates in a folder of its own.
const HBA = 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256'

/**
 * True for a difference in formatting between the two servers, according to its reason or because it is the type of
 * `extract`, which changed in 14.
 */
function isOfServer({ reason, what, before }: Change): boolean {
  if (what === 'type' && before === 'double precision') return true
  return /^(?:possibly )?unchanged: the two major versions/.test(reason)
}

// pg_upgrade itself refuses these from 13 to 14 and later, because their functions have had another argument since.
const DROP_REFUSED = `do $$ declare found record; begin
  for found in select n.nspname, c.conname from pg_conversion c join pg_namespace n on n.oid = c.connamespace
    where c.oid >= 16384 loop execute format('drop conversion %I.%I cascade', found.nspname, found.conname); end loop;
end $$`

/** Upgrades all fixtures at once. */
export async function upgraded(programs: Programs, folder: string): Promise<Outcome[]> {
  const newer = debianPostgres()
  if (newer === null) throw new Missing("Debian's PostgreSQL 15 is not installed here.")
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  const older = binariesOf(programs)
  const before = await reading(await start(from, older), async url => {
    for (const [file, sql] of fixturesFor(programs.major)) {
      if (NOT_RESTORABLE.has(file)) continue
      await query(url, `create database "${file}" template template1`)
      await loadFile(withDatabase(url, file), sql)
      await query(withDatabase(url, file), DROP_REFUSED)
    }
  })
  await reading(await start(to, newer), async () => undefined)
  await upgrade({ folder, from, to }, { older: programs, newer })
  const after = await reading(await start(to, newer), async () => undefined)
  return [...before].map(([file, snapshot]) => {
    const found = after.get(file)
    if (found === undefined) return { file, others: ['it is gone'], spelled: 0 }
    return outcomeOf(file, [snapshot, found], isOfServer)
  })
}

function binariesOf({ major, program, folder }: Programs): Binaries {
  return { major, version: `${major}`, initdb: program('initdb'), postgres: program('postgres'), root: folder }
}

function start(dir: string, binaries: Binaries): Promise<Embedded> {
  return startEmbedded({ dir, binaries, settings: SETTINGS, hba: HBA, tls: false, tethered: true })
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${encodeURIComponent(name)}`
  return changed.href
}

/** Runs some work on a server, introspects each of its fixture databases, and stops it. */
async function reading(server: Embedded, work: (url: string) => Promise<void>): Promise<Map<string, Snapshot>> {
  const found = new Map<string, Snapshot>()
  try {
    await work(server.url)
    const rows = await query(server.url, "select datname from pg_database where datname like '%.sql' order by datname")
    for (const { datname } of rows)
      found.set(String(datname), await readCatalog(withDatabase(server.url, String(datname))))
    return found
  } finally {
    await server.stop()
  }
}

async function upgrade(
  { folder, from, to }: { folder: string; from: string; to: string },
  { older, newer }: { older: Programs; newer: Binaries },
): Promise<void> {
  const [old, young] = [clusterPaths(from), clusterPaths(to)]
  const sockets = join(folder, 's')
  await mkdir(sockets, { mode: 0o777 })
  const args = ['--old-bindir', older.folder, '--new-bindir', join(newer.root, 'bin'), '--old-datadir', old.pgdata]
  const more = ['--new-datadir', young.pgdata, '--username', 'postgres', '--socketdir', sockets]
  const script = 'cd "$1" && shift && exec "$@" >upgrade.log 2>&1'
  const identity = await chooseIdentity(old.cluster)
  const words = ['-c', script, 'sh', sockets, join(newer.root, 'bin/pg_upgrade'), ...args, ...more]
  const child = launch({ identity, program: '/bin/sh', args: words, env: older.env, stderr: 'pipe' })
  const [status] = await once(child, 'exit')
  // Roles keep their passwords.
  await copyFile(old.password, young.password)
  if (status !== 0) throw new Error(`pg_upgrade: ${await readFile(join(sockets, 'upgrade.log'), 'utf8')}`)
}
