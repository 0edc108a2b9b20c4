/**
 * Measures the short and the full reading of a role in a database of 10,000 tables, each in a new backend; with a REF,
 * also the statements of that commit, round by round in the same run. Run by `npm run bench:role [-- REF]`.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { z } from 'zod'
import { GLANCE_SQL } from '#server/net/role/glance-sql.ts'
import { factStatements } from '#server/net/role/role-facts.ts'
import { databaseUrl, startServer } from '#test/support/database/postgres.ts'

const TABLES = 10_000
const TOGETHER = 500
const ROUNDS = 15
const MAJOR = 180_000
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const say = (text: string) => void process.stdout.write(`${text}\n`)

const Statements = z.strictObject({ glance: z.string(), all: z.array(z.string()) })
type Statements = z.output<typeof Statements>

const PRINTING = `
import { GLANCE_SQL as glance } from '#server/net/role/glance-sql.ts'
import { factStatements } from '#server/net/role/role-facts.ts'
process.stdout.write(JSON.stringify({ glance, all: factStatements(${MAJOR}) }))`

/** Returns the statements of a commit, from a copy of its files. */
async function statementsOf(ref: string, cleanup: AsyncDisposableStack): Promise<Statements> {
  const dir = await mkdtemp(join(tmpdir(), 'mooring-role-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  const archive = execFileSync('git', ['archive', ref, 'server', 'shared', 'package.json'], {
    cwd: ROOT,
    maxBuffer: 1 << 28,
  })
  execFileSync('tar', ['-x', '-C', dir], { input: archive })
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  // Runs in a process of its own, whose package is that copy.
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', PRINTING], { cwd: dir })
  return Statements.parse(JSON.parse(String(printed)))
}

/** Returns the milliseconds of the statements in a new backend, with the session's own settings. */
async function timed(url: string, sql: readonly string[], settings: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const start = performance.now()
    await client.query(
      `begin read only; set local search_path = pg_catalog, pg_temp; ${settings} ${sql.join(';')}; commit`,
    )
    return performance.now() - start
  } finally {
    await client.end()
  }
}

const median = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0

async function main(cleanup: AsyncDisposableStack): Promise<void> {
  const [ref] = process.argv.slice(2)
  const server = await startServer()
  cleanup.defer(() => server.stop())
  await server.createDatabase('shop')
  await server.query("create role reader login password 'reader'; create schema app", 'shop')
  // In small groups, because each table holds a lock until its transaction ends.
  for (let from = 1; from <= TABLES; from += TOGETHER) {
    const made = Array.from({ length: TOGETHER }, (_, at) => `app.t${from + at}`)
    const sql = made.map(
      table => `create table ${table} (id int primary key, tenant text); grant select on ${table} to reader`,
    )
    await server.query(sql.join(';'), 'shop')
  }
  await server.query('vacuum analyze', 'shop')
  const url = new URL(databaseUrl(server.adminUrl, 'shop'))
  Object.assign(url, { username: 'reader', password: 'reader' })
  const now: Statements = { glance: GLANCE_SQL, all: factStatements(MAJOR) }
  const sides = [
    ...(ref === undefined ? [] : [{ name: ref, statements: await statementsOf(ref, cleanup), settings: '' }]),
    { name: 'now', statements: now, settings: 'set local jit = off;' },
  ].map(side => ({ ...side, glance: [] as number[], all: [] as number[] }))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { statements, settings, glance, all } of sides) {
      glance.push(await timed(url.href, [statements.glance], settings))
      all.push(await timed(url.href, statements.all, settings))
    }
  }
  say(`${TABLES} tables, ${ROUNDS} rounds, milliseconds (median; least):`)
  for (const { name, glance, all } of sides) {
    const shown = (values: readonly number[]) => `${median(values).toFixed(0)}; ${Math.min(...values).toFixed(0)}`
    say(`${name}: glance ${shown(glance)}, whole reading ${shown(all)}`)
  }
}

await using cleanup = new AsyncDisposableStack()
await main(cleanup)
