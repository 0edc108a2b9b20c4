/**
 * The servers to which misconfigurations are applied,
 * and a Mooring whose customers they are.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { locateBinaries } from '#server/standalone/embedded/binaries.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import { type ServerOptions, startServer } from '#test/support/database/postgres.ts'
import { REPLICATION_HBA } from '#test/support/database/standby.ts'
import { type MadeCertificate, makeCertificate } from '#test/support/dials/odd-certificates.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import type { Misconfiguration, ServerName } from './misconfiguration.ts'
import { makePlace, type Place, type Server } from './place.ts'
import { type Pooler, startPooler } from './pooler.ts'

/** Everything that runs. */
export interface Scene {
  readonly mooring: Mooring
  readonly servers: Readonly<Record<ServerName, Server>>
  /** Settings with the certificate files of the poolers. */
  readonly poolerFiles: Readonly<Record<string, string>>
}

/** Logins with these prefixes have a line of their own; others have none. */
const HBA = `host all /^(app|neighbour|owner|mooring)_ 127.0.0.1/32 scram-sha-256
${REPLICATION_HBA}`
const HBA_BEFORE_16 = 'host all all 127.0.0.1/32 scram-sha-256'
const HERE = { subject: 'CN=server', names: ['localhost'], addresses: ['127.0.0.1'] }

/** Starts everything; `cleanup` stops it. */
export async function makeScene(cleanup: AsyncDisposableStack): Promise<Scene> {
  const authority = await makeCertificate({ subject: 'CN=Root of the shop', isAuthority: true })
  const dir = await mkdtemp(join(tmpdir(), 'mooring-fixes-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  await chmod(dir, 0o755)
  const start = (options: ServerOptions) => startOne(options, authority, cleanup)
  const [mooring, main, older, withoutTls] = await Promise.all([
    startRegistry(cleanup),
    start({ hba: HBA }),
    start({ hba: HBA_BEFORE_16, major: 15 }),
    start({ hba: HBA, programs: await withoutTlsSetting(dir) }),
  ])
  const { cert, key } = main.certificate
  await writeFile(join(dir, 'pooler.crt'), cert)
  // The pooler runs as another account; only this run uses the key.
  await writeFile(join(dir, 'pooler.key'), key, { mode: 0o644 })
  const poolerFiles = { client_tls_cert_file: join(dir, 'pooler.crt'), client_tls_key_file: join(dir, 'pooler.key') }
  return { mooring, servers: { main, older, 'without TLS': withoutTls }, poolerFiles }
}

async function startOne(
  options: ServerOptions,
  authority: MadeCertificate,
  cleanup: AsyncDisposableStack,
): Promise<Server> {
  const certificate = await makeCertificate({ ...HERE, issuer: authority })
  const server = await startServer({ ...options, tls: certificate })
  cleanup.defer(() => server.stop())
  const [row] = await server.query('show data_directory')
  return { server, dataDirectory: String(row?.['data_directory']), authority, certificate }
}

async function startRegistry(cleanup: AsyncDisposableStack): Promise<Mooring> {
  const registry = await startServer()
  cleanup.defer(() => registry.stop())
  const databaseUrl = await registry.createDatabase('mooring')
  await migrate(databaseUrl)
  const env = { MOORING_EGRESS_ADDRESSES: '127.0.0.1' }
  const mooring = await startMooring({ databaseUrl, env, cutsFirstTries: false })
  cleanup.defer(() => mooring.stop())
  return mooring
}

/**
 * Starts PostgreSQL without the argument that turns TLS on or off, because a setting on the command line overrides
 * `alter system`.
 */
async function withoutTlsSetting(dir: string) {
  const binaries = await locateBinaries()
  const program = join(dir, 'postgres')
  const script = `#!/bin/sh
left=$#
while [ "$left" -gt 0 ]; do
  word=$1; shift; left=$((left - 1))
  case "$word $1" in
    '-c ssl='*) shift; left=$((left - 1)) ;;
    *) set -- "$@" "$word" ;;
  esac
done
exec '${binaries.postgres}' "$@"
`
  await writeFile(program, script, { mode: 0o755 })
  return { ...binaries, postgres: program }
}

/** Returns the place for one misconfiguration. */
export function placeFor(
  scene: Scene,
  misconfiguration: Misconfiguration,
  under: { readonly number: number; readonly cleanup: AsyncDisposableStack },
): Promise<Place> {
  const server = scene.servers[misconfiguration.server ?? 'main']
  return makePlace(server, {
    ...under,
    login: misconfiguration.login ?? 'app',
    pooler: async place => {
      if (misconfiguration.pooler === undefined) return null
      const pooler = await poolerFor(scene, misconfiguration.pooler, place)
      under.cleanup.defer(() => pooler.stop())
      return pooler
    },
  })
}

function poolerFor(
  scene: Scene,
  misconfiguration: NonNullable<Misconfiguration['pooler']>,
  place: Place,
): Promise<Pooler> {
  const { login, neighbour, password, server } = place
  const at = `host=127.0.0.1 port=${server.port}`
  const users = new Map([[neighbour, password]])
  if (misconfiguration.isLoginKnown !== false) users.set(login, misconfiguration.password ?? password)
  const isClear = misconfiguration.settings?.['client_tls_sslmode'] === 'disable'
  return startPooler({
    server: server.adminUrl,
    users,
    databases: misconfiguration.databases?.(at) ?? [`* = ${at}`],
    settings: {
      ...(isClear ? {} : { client_tls_sslmode: 'allow', ...scene.poolerFiles }),
      ...misconfiguration.settings,
    },
  })
}
