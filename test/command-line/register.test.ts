/**
 * `register`: a connection string that is typed at a hidden prompt or sent to standard input is sealed in the command
 * and verified, and the result is printed as a checklist. The string is in no output, argument, log line or table.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeKey } from '#test/support/access/keys.ts'
import { allRows } from '#test/support/database/rows.ts'
import { failure, OFFER, startHostile } from '#test/support/dials/hostile-postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let mooring: Mooring
let customer: Customer
let dir: string
let keyFile: string
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  dir = await mkdtemp(join(tmpdir(), 'mooring-register-'))
  keyFile = join(dir, 'key')
  await writeFile(keyFile, `${mooring.organization.testKey}\n`, { mode: 0o600 })
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await rm(dir, { recursive: true, force: true })
})

interface Told {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const words = (...args: string[]) => ['server/cli.ts', 'register', '--url', mooring.url, '--key-file', keyFile, ...args]
const env = () => ({ PATH: process.env['PATH'] ?? '', HOME: dir })

/** Runs the command with a string from standard input. */
async function register(input: string, ...args: string[]): Promise<Told> {
  const child = spawn(process.execPath, words(...args), { cwd: ROOT, env: env() })
  let [out, err] = ['', '']
  child.stdout.on('data', chunk => {
    out += String(chunk)
  })
  child.stderr.on('data', chunk => {
    err += String(chunk)
  })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, out, err }
}

/** Runs the command in a terminal, presses keys once the prompt is shown, and returns the content of the screen. */
async function atTerminal(
  keys: string,
  { on: [text, seen] = ['\0', () => undefined], key = keyFile }: { on?: [string, () => void]; key?: string } = {},
): Promise<{ code: number | null; screen: string }> {
  const command = [process.execPath, ...words('--key-file', key)].map(word => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: ROOT, env: env() })
  let screen = ''
  child.stdout.on('data', chunk => {
    const wasAsked = screen.includes('input is hidden')
    screen += String(chunk)
    if (!wasAsked && screen.includes('input is hidden')) child.stdin.write(keys)
    if (screen.includes(text)) seen()
  })
  const [code] = await once(child, 'close')
  return { code, screen }
}

const passwordOf = (url: string) => decodeURIComponent(new URL(url).password)

describe('From standard input', () => {
  it('a good database is active, with every line of its checklist, and its string is nowhere in clear', async () => {
    const url = customer.url()
    const told = await register(`  ${url}\n`, '--name', 'Shop')
    expect([told.code, told.err]).toEqual([0, ''])
    expect(told.out).toMatch(/^ {2}ok {4}host/)
    expect(told.out).toMatch(/^ {2}ok {4}role_superuser/m)
    expect(told.out.trimEnd().split('\n').at(-1)).toMatch(/^ds_test_[0-9a-f]{32} {2}active {2}\S+/)
    const everywhere = [
      told.out,
      told.err,
      mooring.logLines.join('\n'),
      JSON.stringify(await allRows(mooring.databaseUrl)),
    ]
    for (const text of everywhere) expect(text).not.toContain(passwordOf(url))
  })

  it('a refused database is reported with its fix, with status 1, and as JSON', async () => {
    const told = await register(customer.url('superuser'))
    expect(told.code).toBe(1)
    expect(told.out).toMatch(/^ {2}FAIL {2}role_superuser .*\n {8}\S/m)
    const line = told.out.trimEnd().split('\n').at(-1) ?? ''
    expect(line).toMatch(/^ds_test_[0-9a-f]{32} {2}rejected \(byo_role_cannot_enforce_rls\) /)
    expect(told.err).toMatch(/^Fix what failed/)
    const again = await register(customer.url('superuser'), '--json')
    expect([again.code, JSON.parse(again.out)]).toMatchObject([1, { status: 'rejected', checks: expect.any(Array) }])
  })

  it.each([
    ['', [], 'No connection string was given.'],
    ['mysql://app:Tell-N0-one@db/app', [], '(invalid_body)'],
    ['postgres://app:Tell-N0-one@db.example.com/app', ['--wait', '5m'], '--wait must be a whole number of seconds'],
    ['postgres://app:Tell-N0-one@db.example.com/app', ['--ca', '/nowhere.pem'], '/nowhere.pem'],
    ['postgres://app:Tell-N0-one@db.example.com/app', ['--db-type', 'oracle'], '--db-type must be one of'],
  ])('an invalid registration is reported with status 2, and nothing is sent: %j %j', async (input, args, sentence) => {
    const before = await mooring.db.selectFrom('datasources').select('id').orderBy('id').execute()
    const told = await register(input, ...args)
    expect([told.code, told.out]).toEqual([2, ''])
    expect(told.err).toContain(sentence)
    expect(told.err).not.toContain('Tell-N0-one')
    expect(await mooring.db.selectFrom('datasources').select('id').orderBy('id').execute()).toEqual(before)
  })

  it('without a verdict in time the status is 3, and the checks continue', async () => {
    // A server that sends nothing.
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const told = await register(customer.url('reader', { port }), '--wait', '0')
    expect([told.code, told.err]).toEqual([3, expect.stringMatching(/^There is no verdict yet/)])
    silent.close()
  })
})

describe('At a terminal', () => {
  it('the string is requested and never shown, and the checklist follows', async () => {
    const url = customer.url('reader', { host: 'localhost' })
    const { code, screen } = await atTerminal(`${url}\r`)
    expect(code).toBe(0)
    expect(screen).toMatch(/^Connection string \(input is hidden\): \r\n/)
    expect(screen).toMatch(/ds_test_[0-9a-f]{32} {2}active/)
    expect(screen).not.toContain(passwordOf(url))
    expect(screen).not.toContain('postgres')
  })

  it('a key that may only register waits in the call, and sees the verdict', async () => {
    const narrow = join(dir, 'narrow-key')
    await writeFile(narrow, await makeKey(mooring, { scopes: ['datasources.create'] }), { mode: 0o600 })
    const { code, screen } = await atTerminal(`${customer.url()}\r`, { key: narrow })
    expect(screen).toMatch(/ds_test_[0-9a-f]{32} {2}active/)
    expect(code).toBe(0)
  })

  it('the checklist is drawn while the check runs, and is replaced by the verdict', async () => {
    // It begins a login and then sends nothing until the command has drawn the progress so far.
    const { promise: drawn, resolve: go } = Promise.withResolvers<void>()
    const slow = await startHostile(async peer => {
      await peer.startup()
      peer.send(OFFER)
      await drawn
      peer.send(failure({ S: 'FATAL', C: '28P01' }))
    })
    const url = `postgres://app:T3ll-n0-one@127.0.0.1:${slow.port}/shop?sslmode=disable`
    const { code, screen } = await atTerminal(`${url}\r`, { on: ['done  tls', go] })
    await slow.stop()
    const [live = '', verdict = ''] = screen.split(/FAIL {2}authenticate/)
    expect(live).toMatch(/done {2}host\r\n {2}done {2}connect\r\n {2}done {2}tls\r\n {2}… {5}authenticate\r\n/)
    expect(live).toMatch(/\u001b\[\d+F\u001b\[J/)
    expect([code, verdict]).toEqual([1, expect.stringContaining('rejected (authentication_failed)')])
    expect(screen).not.toContain('T3ll')
  })

  it('Ctrl-C ends it, and nothing is sent', async () => {
    const before = await mooring.db.selectFrom('datasources').select('id').orderBy('id').execute()
    const { code, screen } = await atTerminal('postgres://half\u0003')
    expect([code, screen]).toEqual([2, expect.stringContaining('Aborted; nothing was sent.')])
    expect(await mooring.db.selectFrom('datasources').select('id').orderBy('id').execute()).toEqual(before)
  })

  it('its arguments contain neither key nor string', async () => {
    expect(words().join(' ')).not.toContain(mooring.organization.testKey)
    expect(await readFile(keyFile, 'utf8')).toContain(mooring.organization.testKey)
  })
})
