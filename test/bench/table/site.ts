/**
 * The environment of the rows: a PostgreSQL server whose commits reach the disk, an installation with its two roles,
 * the web tier as a process of the built package, and the limits' process.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { newKeyId } from '#server/operator/keyring/key-id.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { initKeyrings, readWorkerKeyring } from '#server/seal/keyring-file.ts'
import { openDb } from '#server/store/database/db.ts'
import { applyGrants, deadlineStatements, grantStatements, type Tier } from '#server/store/installation/grants.ts'
import { migrate } from '#server/store/installation/migrate.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import { buildServer } from '#test/support/packages/server-package.ts'
import { parentOf } from './cpu.ts'
import type { Bench } from './measure.ts'
import { here, type Started, startNode } from './processes.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const NO_LIMIT = '1000000000'
const PASSWORD = 'Tr0ub4dor-and-3'

/** How to run the product. */
export interface SiteOptions {
  /** True to run the checkout instead of the built package, which takes a while to build. */
  readonly fromCheckout: boolean
  /** Additional Node flags for the web tier, such as those for a profile. */
  readonly flags: readonly string[]
}

/** An organization that sends calls. */
export interface Caller {
  readonly id: string
  readonly key: string
}

/** The environment of the rows. */
export interface Site extends Bench {
  readonly server: TestServer
  /** The URL for the owner of the tables. */
  readonly databaseUrl: string
  readonly db: Db
  /** The product under test. */
  readonly product: Product
  /** The checkout. */
  readonly checkout: Product
  readonly web: { readonly pid: number; readonly port: number }
  readonly caller: Caller
  /** Creates another organization with a key. */
  newCaller(name: string): Promise<Caller>
  /**
   * Starts a program as an operator does, a tier with its role and keyring. It is that of the product under test by
   * default.
   */
  startProgram(program: Program, env: Readonly<Record<string, string>>, product?: Product): Started
  /** Starts the limits' process with the given statements. */
  startBare(bare: {
    readonly statements: Readonly<Record<string, Statement>>
    readonly bytes: number
  }): Promise<{ readonly pid: number; readonly bare: number; readonly trpc: number }>
  readonly cleanup: AsyncDisposableStack
}

/** A statement as the driver receives it. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

/** A folder of the product, built or not, and the suffix of its programs' names. */
export interface Product {
  readonly folder: string
  readonly suffix: '.js' | '.ts'
}

/** A program as `npm start` names it: everything in one process, or one tier. */
export type Program = 'start' | Tier

/** Starts the environment; the stack stops it. */
export async function startSite(cleanup: AsyncDisposableStack, options: SiteOptions): Promise<Site> {
  const server = await startServer({ settings: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } })
  cleanup.defer(() => server.stop())
  const databaseUrl = await server.createDatabase('bench')
  await migrate(databaseUrl)
  const db = openDb({ url: databaseUrl, size: 2, onError: () => undefined })
  cleanup.defer(() => db.destroy())
  const roleUrl = await makeRoles(db, databaseUrl)
  const keyrings = await mkdtemp(join(tmpdir(), 'mooring-bench-'))
  cleanup.defer(() => rm(keyrings, { recursive: true, force: true }))
  await initKeyrings(keyrings, newKeyId)
  const keyring = await readWorkerKeyring(join(keyrings, 'worker.json'))
  const newCaller = async (name: string): Promise<Caller> => {
    const operator = { db, keyring, now: new Date() }
    const id = await createOrganization(operator, name)
    return { id, key: await createKeyAsOperator(operator, { organizationId: id, mode: 'test', name: null }) }
  }
  const caller = await newCaller('Bench')
  const product = await productAt(options)
  const startProgram: Site['startProgram'] = (program, env, built = product) => {
    const ofTier =
      program === 'start'
        ? { HOST: '127.0.0.1', MOORING_HEALTH_PORT: 'off' }
        : { ...SETTINGS, DATABASE_URL: roleUrl[program], MOORING_KEYRING: join(keyrings, `${program}.json`) }
    return startNode(cleanup, { ...commandOf(built, program, options.flags), env: { ...ofTier, ...env } })
  }
  const web = startProgram('web', {})
  const [, port] = await web.printed(/"port":(\d+)/)
  return {
    ...{ server, databaseUrl, db, product, caller, newCaller, startProgram, cleanup },
    checkout: CHECKOUT,
    web: { pid: web.pid, port: Number(port) },
    startBare: bare => startBare(cleanup, databaseUrl, bare),
    loader: startNode(cleanup, { args: [here('load-process.ts')], env: {}, ipc: true }),
    postgres: await postmasterOf(databaseUrl),
    take: counter(),
  }
}

/** Limits and quotas at their maximum, because they are not measured; a customer's database may be on this machine. */
const SETTINGS = {
  PORT: '0',
  HOST: '127.0.0.1',
  MOORING_HEALTH_PORT: 'off',
  MOORING_DRAIN_SECONDS: '0',
  MOORING_MAX_DATASOURCES: NO_LIMIT,
  MOORING_RATE_PER_KEY: NO_LIMIT,
  MOORING_RATE_PER_ORGANIZATION: NO_LIMIT,
  MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
}

const CHECKOUT: Product = { folder: ROOT, suffix: '.ts' }

async function productAt({ fromCheckout }: SiteOptions): Promise<Product> {
  if (fromCheckout) return CHECKOUT
  // Inside the checkout, so that its packages are found.
  const folder = join(ROOT, 'node_modules/.cache/bench/mooring')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await buildServer(ROOT, folder)
  return { folder, suffix: '.js' }
}

/**
 * Returns the command that an operator types, which becomes the process; with additional Node flags, the process
 * itself.
 */
function commandOf({ folder, suffix }: Product, program: Program, flags: readonly string[]) {
  const file = `${program === 'start' ? 'main' : program}${suffix}`
  if (program === 'web' && flags.length > 0)
    return { args: ['--disable-sigusr1', ...flags, join(folder, 'server', file)] }
  if (suffix === '.js') return { args: [join(folder, 'server/mooring.js'), program] }
  return { program: 'sh', args: [join(folder, 'server/run.sh'), 'confined', file] }
}

async function makeRoles(db: Db, url: string): Promise<Readonly<Record<Tier, string>>> {
  const roles = { web: 'bench_web', worker: 'bench_worker' }
  for (const role of Object.values(roles)) await query(url, `create role ${role} login password '${PASSWORD}'`)
  await applyGrants(db, grantStatements(roles))
  await applyGrants(db, deadlineStatements(roles))
  const urlOf = (role: string) => {
    const own = new URL(url)
    own.username = role
    own.password = PASSWORD
    return own.href
  }
  return { web: urlOf(roles.web), worker: urlOf(roles.worker) }
}

async function startBare(
  cleanup: AsyncDisposableStack,
  databaseUrl: string,
  { statements, bytes }: Parameters<Site['startBare']>[0],
): ReturnType<Site['startBare']> {
  const env = { DATABASE_URL: databaseUrl, STATEMENTS: JSON.stringify(statements), BYTES: String(bytes) }
  const started = startNode(cleanup, { args: [here('bare-process.ts')], env })
  const [text] = await started.printed(/\{.*\}/)
  return { pid: started.pid, ...JSON.parse(text) }
}

async function postmasterOf(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select pg_backend_pid() as pid')
  const postmaster = parentOf(Number(rows[0]?.pid))
  await client.end()
  return postmaster
}

function counter(): Bench['take'] {
  let next = 0
  return count => {
    next += count
    return next - count
  }
}
