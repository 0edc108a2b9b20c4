/**
 * The command line beside a running server: only results on standard output, and one readable sentence for each error.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openDb } from '#server/store/database/db.ts'
import { pendingMigrations } from '#server/store/installation/migrate.ts'
import { freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows, difference, effects } from '#test/support/database/rows.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { type Running, startEntry, startScript } from '#test/support/operations/processes.ts'

// Each test starts several processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let installation: Installation
let server: Running
let url: string
let dir: string
beforeAll(async () => {
  installation = await prepareInstallation()
  dir = await mkdtemp(join(tmpdir(), 'mooring-cli-'))
  server = startEntry('web', installation.env('web'))
  url = `http://127.0.0.1:${(await server.line(/"port":(\d+),"msg":"web/))[1]}`
})
afterAll(async () => {
  await server.stop()
  await installation.remove()
  await rm(dir, { recursive: true, force: true })
})

interface Said {
  readonly code: number | null
  readonly out: string[]
  readonly err: string
}

async function mooring(args: readonly string[], env = installation.env('both')): Promise<Said> {
  const one = startEntry('cli', env, args)
  return { code: await one.ended, out: one.out, err: one.err() }
}

async function statusWith(key: string, at = url): Promise<number> {
  return (await fetch(`${at}/v1/datasources`, { headers: { authorization: `Bearer ${key}` } })).status
}

describe('Keys', () => {
  it('are created by npm run -s mooring, printed alone, and valid at once at the running server', async () => {
    const env = installation.env('both')
    const one = startScript(
      env,
      'run',
      '-s',
      'mooring',
      '--',
      'keys',
      'create',
      '--mode',
      'live',
      '--name',
      'From here',
    )
    expect([await one.ended, one.err()]).toEqual([0, ''])
    expect(one.out).toEqual([expect.stringMatching(/^sk_live_[0-9A-Za-z]{36}$/)])
    expect(await statusWith(one.out[0] ?? '')).toBe(200)
  })

  it('are listed without the key, and revoked at once', async () => {
    const made = await mooring(['keys', 'create', '--mode', 'test', '--name', 'Short-lived'])
    const [key = ''] = made.out
    const listed = await mooring(['keys', 'list'])
    const line = listed.out.find(one => one.includes('Short-lived')) ?? ''
    expect(line.split('\t')).toEqual([
      expect.stringMatching(/^key_[0-9a-f]{32}$/),
      'test',
      `…${key.slice(-4)}`,
      'in use',
      'Short-lived',
    ])
    expect(listed.out.join('\n')).not.toContain(key)

    const revoked = await mooring(['keys', 'revoke', line.split('\t')[0] ?? ''])
    expect([revoked.code, revoked.out]).toEqual([0, []])
    expect(await statusWith(key)).toBe(401)
    expect((await mooring(['keys', 'list'])).out.find(one => one.includes('Short-lived'))).toMatch(/\trevoked 20/)
  })
})

describe('A list', () => {
  it('is one array for --json, with the fields of its lines', async () => {
    const { out: lines } = await mooring(['keys', 'list'])
    const { code, out } = await mooring(['keys', 'list', '--json'])
    expect(code).toBe(0)
    const keys = JSON.parse(out.join('\n')) as Record<string, string | null>[]
    expect(keys.map(({ id, mode }) => `${id}\t${mode}`)).toEqual(lines.map(line => line.split('\t', 2).join('\t')))
    expect(Object.keys(keys[0] ?? {})).toEqual(['id', 'mode', 'last4', 'name', 'revokedAt'])
    for (const words of [
      ['datasources', 'list'],
      ['lease', 'list'],
    ])
      expect(JSON.parse((await mooring([...words, '--json'])).out.join('\n')), words.join(' ')).toEqual([])
    const verifyKeys = await mooring(['lease-key', 'show'])
    expect(JSON.parse((await mooring(['lease-key', 'show', '--json'])).out.join('\n'))).toEqual(verifyKeys.out)
  })
})

describe('Organizations', () => {
  it('are created with their own sealing key, and only the id is printed; their keys see no other organization', async () => {
    const made = await mooring(['org', 'create', '--name', 'Second'])
    expect([made.code, made.err]).toEqual([0, ''])
    expect(made.out).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)])
    const [id = ''] = made.out
    const { out } = await mooring(['keys', 'create', '--mode', 'test', '--org', id])
    const body = JSON.stringify({ connectionString: 'postgresql://app:pw@127.0.0.1:9/shop' })
    const headers = { authorization: `Bearer ${out[0]}`, 'content-type': 'application/json' }
    expect((await fetch(`${url}/v1/datasources`, { method: 'POST', headers, body })).status).toBe(201)

    const theirs = await mooring(['datasources', 'list', '--org', `org_${id.replaceAll('-', '')}`])
    expect(theirs.out).toEqual([
      expect.stringMatching(/^ds_test_[0-9a-f]{32}\ttest\tunverified\t\t127\.0\.0\.1:9\/shop$/),
    ])
    expect((await mooring(['datasources', 'list'])).out).toEqual([])
  })
})

describe('Keyrings', () => {
  it('are created by keyring init, for their owner alone, and never overwritten', async () => {
    const into = join(dir, 'keyrings')
    const made = await mooring(['keyring', 'init', '--dir', into], {})
    expect([made.code, made.out]).toEqual([0, []])
    const files = ['web.json', 'worker.json'].map(name => join(into, name))
    const texts = await Promise.all(files.map(file => readFile(file, 'utf8')))
    for (const file of files) expect((await stat(file)).mode & 0o777).toBe(0o600)
    const again = await mooring(['keyring', 'init', '--dir', into], {})
    expect([again.code, again.out]).toEqual([1, []])
    expect(again.err).toMatch(/never overwritten/)
    expect(await Promise.all(files.map(file => readFile(file, 'utf8')))).toEqual(texts)
  })
})

describe('Migrate', () => {
  it('brings a database up to date and reports that on standard error', async () => {
    const database = await freshDatabase()
    await query(database.url, 'drop schema public cascade; create schema public')
    const env = { ...installation.env('both'), DATABASE_URL: database.url }
    const first = await mooring(['migrate'], env)
    expect([first.code, first.out]).toEqual([0, []])
    expect(first.err).toMatch(/^applied 0001_/)
    expect((await mooring(['migrate'], env)).err).toBe('up to date\n')
    const db = openDb({ url: database.url, size: 1, onError: () => undefined })
    expect(await pendingMigrations(db)).toEqual([])
    await db.destroy()
    await database.drop()
  })
})

describe('A wrong command line', () => {
  it.each([
    [[], 2, /^Usage: npm run -s mooring -- COMMAND/],
    [['keys'], 2, /^Usage/],
    [['keys', 'create'], 1, /^--mode is missing\.\n$/],
    [['keys', 'create', '--mode', 'staging'], 1, /^--mode must be live or test\.\n$/],
    [['keys', 'create', '--mode', 'live', '--org', '5'], 1, /^There is no organization with that id\.\n$/],
    [['keys', 'revoke'], 1, /^Name the key to revoke/],
    [['keys', 'revoke', `key_${'0'.repeat(32)}`], 1, /^There is no key with that id\.\n$/],
    [['org', 'create'], 1, /^--name is missing\.\n$/],
    [['keyring', 'init'], 1, /^--dir is missing\.\n$/],
    [['keys', 'list', '--colour'], 1, /--colour/],
  ])('is reported on standard error, and has no effect: %j', async (args, code, sentence) => {
    const before = await effects(installation.databaseUrl)
    const said = await mooring(args)
    expect([said.code, said.out]).toEqual([code, []])
    expect(said.err).toMatch(sentence)
    expect(difference(before, await effects(installation.databaseUrl))).toEqual([])
  })

  it('differs from --help, which prints the usage with status 0', async () => {
    const said = await mooring(['--help'])
    expect([said.code, said.err]).toEqual([0, ''])
    for (const command of [
      'keys create',
      'keys list',
      'keys revoke',
      'org create',
      'datasources list',
      'migrate',
      'keyring init',
    ])
      expect(said.out.join('\n')).toContain(`  ${command}`)
  })
})

describe('In local mode', () => {
  it('it works without a server and beside one, whose database it leaves running', async () => {
    const env = { MOORING_DATA_DIR: join(dir, 'local'), PORT: '0' }
    const alone = await mooring(['migrate'], env)
    expect([alone.code, alone.out]).toEqual([0, []])
    await expect(stat(join(dir, 'local/postgres/cluster/data/postmaster.pid'))).rejects.toMatchObject({
      code: 'ENOENT',
    })

    const main = startEntry('main', env)
    const port = (await main.line(/"port":(\d+),"msg":"web/))[1]
    const made = await mooring(['keys', 'create', '--mode', 'live'], env)
    expect([made.code, made.err]).toEqual([0, ''])
    expect(made.out).toHaveLength(1)
    expect(await statusWith(made.out[0] ?? '', `http://127.0.0.1:${port}`)).toBe(200)
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    expect(await main.stop()).toBe(0)
  })
})

describe('A key on the command line', () => {
  it('is in no table in clear', async () => {
    const { out } = await mooring(['keys', 'create', '--mode', 'test'])
    const text = JSON.stringify(await allRows(installation.databaseUrl))
    expect(text).not.toContain(out[0])
    expect(text).not.toContain((out[0] ?? '').slice(8, -6))
  })
})
