/** A caller's schema commands, run as a person would, against a running Mooring. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const run = promisify(execFile)

let mooring: Mooring
let customer: Customer
let id: string

beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  const client = mooring.client()
  const made = await client.datasources.register.mutate({ connectionString: customer.url(), schema: 'app' })
  id = made.id
  await client.snapshots.introspect.mutate({ id: made.id })
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

async function command(...args: string[]): Promise<{ stdout: string; status: number }> {
  const env = { ...process.env, MOORING_URL: mooring.url, MOORING_API_KEY: mooring.organization.testKey }
  return run(process.execPath, ['server/cli.ts', ...args], { env }).then(
    ({ stdout }) => ({ stdout, status: 0 }),
    (error: { stdout: string; code: number }) => ({ stdout: error.stdout, status: error.code }),
  )
}

describe('The schema commands', () => {
  it('write Kysely types that type-check', async () => {
    // Inside the repository, so that Kysely is found.
    await mkdir(join(process.cwd(), '.data'), { recursive: true })
    const dir = await mkdtemp(join(process.cwd(), '.data', 'generated-'))
    try {
      const out = join(dir, 'database.ts')
      expect((await command('schema', 'types', id, '--out', out)).status).toBe(0)
      expect(await readFile(out, 'utf8')).toContain('app.orders')
      const options = [
        '--noEmit',
        '--strict',
        '--target',
        'es2024',
        '--module',
        'nodenext',
        '--skipLibCheck',
        '--ignoreConfig',
      ]
      await run(process.execPath, ['node_modules/typescript/bin/tsc', ...options, out])
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('print DDL-like text and an entity-relationship diagram', async () => {
    expect((await command('schema', 'sql', id)).stdout).toContain('create table app.orders')
    expect((await command('schema', 'mermaid', id)).stdout).toContain('erDiagram')
  })

  it('print drift for people and for scripts, and end with 1 for a breaking change', async () => {
    expect((await command('schema', 'drift', id)).status).toBe(0)
    await customer.sql('alter table app.orders drop column placed_at')
    await mooring.call('POST', `/v1/datasources/${id}/introspect`, { body: {} })
    const people = await command('schema', 'drift', id)
    expect(people).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('breaking - column app.orders.placed_at'),
    })
    const scripts = await command('schema', 'drift', id, '--json')
    expect(scripts.status).toBe(1)
    expect(JSON.parse(scripts.stdout)).toMatchObject({ counts: { breaking: 1, risky: 0, safe: 0 } })
  })

  it('report a missing key', async () => {
    const { MOORING_API_KEY: _, ...env } = process.env
    const failed = run(process.execPath, ['server/cli.ts', 'schema', 'sql', id], { env })
    await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('MOORING_API_KEY') })
  })

  it('print only a schema, or a table with its neighbours, and nothing that does not exist', async () => {
    await customer.sql(`create schema side; create table app.line (id int primary key, order_id bigint references app.orders);
      create table app.alone (id int); create table side.other (id int);
      grant usage on schema side to public; grant select on all tables in schema app, side to public`)
    await mooring.call('POST', `/v1/datasources/${id}/introspect`, { body: {} })
    const tables = ['orders', 'line', 'alone', 'other']
    const shown = async (words: string, ...args: string[]) => {
      const { stdout, status } = await command('schema', words, id, ...args)
      expect(status).toBe(0)
      return tables.filter(name =>
        new RegExp(`(?:create table \\w+\\.|^ {2}"(?:\\w+\\.)?|"\\w+\\.)${name}\\b`, 'm').test(stdout),
      )
    }
    for (const words of ['sql', 'types', 'mermaid']) {
      expect(await shown(words), words).toEqual(tables)
      expect(await shown(words, '--schema', 'side'), words).toEqual(['other'])
      expect(await shown(words, '--table', 'line'), words).toEqual(['orders', 'line'])
      expect(await shown(words, '--schema', 'app', '--table', 'alone'), words).toEqual(['alone'])
      expect(await shown(words, '--schema', 'side', '--table', 'alone'), words).toEqual([])
      expect(await shown(words, '--schema', 'nowhere'), words).toEqual([])
    }
    await customer.sql('drop schema side cascade; drop table app.line, app.alone')
    await mooring.call('POST', `/v1/datasources/${id}/introspect`, { body: {} })
  })
})

describe('The connections dialect', () => {
  it('introspects the schemas named in the query', async () => {
    const { body: listed } = await mooring.call('GET', '/api/v1/connections')
    const [connection] = listed.data.connections
    const answer = await mooring.call('POST', `/api/v1/connections/${connection.id}/introspect?schemas=app,nowhere`)
    expect(answer.status).toBe(200)
    expect(answer.body.data).toMatchObject({
      connection_id: connection.id,
      table_count: 1,
      tables: ['app.orders'],
      schemas_introspected: ['app'],
    })
    const { body: again } = await mooring.call('GET', `/api/v1/connections/${connection.id}`)
    expect(again.data.last_introspected_at).toBe(answer.body.data.introspected_at)
  })
})
