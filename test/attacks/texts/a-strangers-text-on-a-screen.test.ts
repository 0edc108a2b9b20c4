/**
 * A9: a caller or a customer's server uses names with escape sequences, bidirectional controls, invisible characters
 * and markup; an operator lists them, a developer prints a schema, a person reads a log or opens a page.
 */
import { createServer } from 'node:http'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { schemaCommands } from '#client/cli/schema.ts'
import { createLog, type Log } from '#server/log.ts'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { commands } from '#server/operator/commands.ts'
import { printableJson, printableLog, printableMarkdown } from '#shared/base/printable.ts'
import { quoteName, quoteText } from '#shared/base/sql-text.ts'
import { query, quoted } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'
import { startEntry } from '#test/support/operations/processes.ts'
import { HOSTILE_TEXTS, steers } from '#test/support/schemas/hostile-texts.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const TEXTS = Object.values(HOSTILE_TEXTS)
const LONG = TEXTS.join(' ')

let mooring: Mooring
let customer: Customer
let id: string

beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  const deps = { db: mooring.db, keyring: mooring.keyring, now: new Date() }
  const organizationId = mooring.organization.id
  for (const name of TEXTS) await createKeyAsOperator(deps, { organizationId, mode: 'test', name })
  const client = mooring.client()
  const made = await client.datasources.register.mutate({
    connectionString: customer.url(),
    schema: 'app',
    name: LONG.slice(0, 200),
    metadata: { note: LONG.slice(0, 200) },
  })
  id = made.id
  await client.snapshots.introspect.mutate({ id: made.id })
  const grant = `to ${customer.roles.reader}`
  for (const [at, text] of TEXTS.entries()) {
    const name = quoted(`${at}${text}`.slice(0, 20))
    await customer.sql(`create table app.${name} (${name} int default length(${quoteText(text)}));
      grant select on app.${name} ${grant}; comment on table app.${name} is ${quoteText(text)}`)
  }
  await client.snapshots.introspect.mutate({ id: made.id })
  await query(mooring.databaseUrl, `update datasources set database = ${quoteText('a\u001b[2J\u202e\nb')}`)
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const place = { DATABASE_URL: mooring.databaseUrl, MOORING_KEYRING: String(mooring.config.keyring) }
  const caller = { MOORING_URL: mooring.url, MOORING_API_KEY: mooring.organization.testKey }
  const one = startEntry('cli', { ...place, ...caller, ...env }, args)
  return { code: await one.ended, out: one.out.join('\n'), err: one.err() }
}

/** Runs a command in this process, without the escaping that `cli.ts` adds. Its error is one of our sentences. */
async function print(words: readonly string[], operands: readonly string[], options: Record<string, string | boolean>) {
  const called = schemaCommands.find(one => one.words.join(' ') === words.join(' '))
  if (called !== undefined) {
    const lines: string[] = []
    const settings = { url: mooring.url, key: mooring.organization.testKey }
    // All of it is printed, not only the part that a schema of this name holds.
    const { schema: _named, ...displayed } = options
    await called.run(settings, { operands: [id], options: displayed, print: line => void lines.push(line) })
    expect(lines.join('\n').length).toBeGreaterThan(1_000)
    return lines.join('\n')
  }
  const deps = { db: mooring.db, databaseUrl: mooring.databaseUrl, keyringDir: String(mooring.config.keyring) }
  const ran = operator(deps)(...words, ...operands, options)
  return ran.then(
    ({ printed, complained, shown: displayed }) => [...printed, complained, displayed].join('\n'),
    () => '',
  )
}

const HOSTILE_OPTIONS = { name: LONG.slice(0, 190), schema: LONG, label: LONG.slice(0, 190), web: LONG, worker: 'w' }

describe('A command', () => {
  it.each([...commands, ...schemaCommands].map(({ words }) => [words]))(
    'prints strangers’ names and steers no terminal: %s',
    async words => {
      const options = { ...HOSTILE_OPTIONS, mode: 'test', lease: true, ttl: '1h', dir: `/dev/null/${TEXTS[0]}` }
      // No worker is needed here: a command that waits for one is refused by its operand.
      const operands = words[0] === 'keyring' && words[1] !== 'retire' ? [LONG] : []
      if (words[1]?.startsWith('rotate-') && words[1] !== 'rotate-org') return
      if (words[1] === 'reseal') Object.assign(options, { org: LONG })
      expect(steers(await print(words, operands, options))).toEqual([])
    },
  )

  it('is escaped by the command line itself, both in output and in errors', async () => {
    for (const args of [
      ['keys', 'list'],
      ['keyring', 'init', '--dir', `/dev/null/${TEXTS[0]}`],
      ['keys', 'list', `--${LONG}`],
    ]) {
      const said = await run(args)
      expect(said.out + said.err).not.toBe('')
      expect(steers(said.out + said.err)).toEqual([])
    }
  })

  it('lists each key in one line of five columns, whatever its name', async () => {
    const { out } = await run(['keys', 'list'])
    const lines = out.split('\n')
    expect(lines.length).toBeGreaterThanOrEqual(TEXTS.length + 2)
    for (const line of lines) expect(line.split('\t')).toHaveLength(5)
    expect(out).toContain(String.raw`a\u{1b}[2J\u{1b}[Hb`)
    expect(out).toContain(String.raw`user\u{202e}\u{2066}nimda\u{2069}\u{202c}`)
  })

  it('prints drift as one line a change, without markup, and as JSON of the same meaning', async () => {
    const people = await run(['schema', 'drift', id])
    const lines = people.out.split('\n')
    expect(lines).toHaveLength(TEXTS.length)
    for (const line of lines) {
      expect(line).toMatch(/^safe {5}\+ relation app\..+: /)
      expect(line).not.toMatch(/[<>&`*[\]|~@#!]/)
    }
    const { out } = await run(['schema', 'drift', id, '--json'])
    expect(steers(out)).toEqual([])
    const found: { changes: { path: string[] }[] } = JSON.parse(out)
    const names = found.changes.map(({ path }) => path[1])
    expect(new Set(names)).toEqual(new Set(TEXTS.map((text, at) => `${at}${text}`.slice(0, 20))))
  })

  it('prints another server’s answer as escaped text', async () => {
    const errors = [{ error: { message: LONG, code: -32_600, data: { code: LONG } } }]
    for (const body of [JSON.stringify(errors), LONG]) {
      const server = createServer((_, response) => response.writeHead(500).end(body)).listen(0, '127.0.0.1')
      await new Promise(resolve => server.once('listening', resolve))
      const said = await run(['schema', 'sql', id], { MOORING_URL: `http://127.0.0.1:${portOf(server)}` })
      server.close()
      expect(said.code).toBe(2)
      expect(steers(said.out + said.err)).toEqual([])
    }
  })
})

describe('SQL to paste', () => {
  it('keeps the meaning of the names in it, under both settings of strings', async () => {
    for (const text of TEXTS) {
      const sql = `select ${quoteText(text)} as text, ${quoteName(text)} from (select 1) as made (${quoteName(text)})`
      expect(steers(sql)).toEqual([])
      for (const setting of ['on', 'off']) {
        const [row] = await customer.sql(`set standard_conforming_strings = ${setting}; ${sql}`)
        expect(Object.keys(row ?? {}), text).toEqual(
          ['text', text.slice(0, 63)].filter((it, at, all) => all.indexOf(it) === at),
        )
        expect(row?.['text']).toBe(text)
      }
    }
  })
})

describe('A page', () => {
  it('answers an unknown path with JSON without markup, and never echoes the path', async () => {
    const paths = TEXTS.flatMap(text => {
      const asked = encodeURIComponent(text)
      return [
        `/docs/${asked}`,
        `/${asked}`,
        `/v1/datasources/${asked}`,
        `/api/v1/connections/${asked}`,
        `/trpc/${asked}`,
      ]
    })
    for (const path of paths) {
      const { status, headers, text } = await mooring.call('GET', path)
      expect(status, path).toBeGreaterThanOrEqual(400)
      expect(headers.get('content-type'), path).toMatch(/^application\/(problem\+)?json/)
      expect(headers.get('x-content-type-options'), path).toBe('nosniff')
      expect(text, path).not.toMatch(/<script|<img|owned/)
    }
  })

  it('is the same for every query string, and runs no script', async () => {
    for (const path of ['/docs', '/docs/faults', '/openapi.json']) {
      const plain = await mooring.call('GET', path)
      const asked = await mooring.call('GET', `${path}?${encodeURIComponent(LONG)}=<script>`, {
        headers: { 'x-forwarded-host': 'evil.example"><script>' },
      })
      expect([asked.status, asked.text]).toEqual([200, plain.text])
      if (path !== '/openapi.json')
        expect(asked.headers.get('content-security-policy')).toMatch(
          /^default-src 'none';style-src 'self';(?!.*script-src)/,
        )
    }
  })

  it('with names is JSON that no browser takes for a page', async () => {
    for (const path of ['/v1/datasources', '/api/v1/connections', '/trpc/organization.keys']) {
      const { headers } = await mooring.call('GET', path)
      expect(headers.get('content-type')).toMatch(/^application\/json/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })
})

/** The log output of a step, raw and parsed as a log viewer parses it. */
function written(work: (log: Log) => void): { lines: string[]; parsed: unknown[] } {
  const destination = new PassThrough()
  work(createLog({ level: 'info', destination }))
  const lines = String(destination.read()).trimEnd().split('\n')
  return { lines, parsed: lines.map(line => JSON.parse(line)) }
}

/** Every text in a value, including keys. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => [name, ...textsIn(member)])
}

describe('A log line', () => {
  it('stays one line, and steers no terminal even when its texts are printed raw', () => {
    for (const text of TEXTS) {
      const { lines, parsed } = written(log => {
        log.info({ text, [text]: { list: [text] } }, `told ${text}`)
        log.child({ bound: text }).warn({ cause: new Error(text) }, 'x')
      })
      expect(lines).toHaveLength(2)
      for (const displayed of [...lines, ...textsIn(parsed)]) {
        expect(steers(displayed)).toEqual([])
        expect(displayed).not.toMatch(/[\n\t]/)
      }
    }
  })

  it('keeps printable text as it is, even if it looks like an escape', () => {
    const text = String.raw`C:\new\u001b "é🐘" \\n`
    expect(written(log => log.info({ text }, text)).parsed).toMatchObject([{ text, msg: text }])
    expect(printableLog('{"a":"\\\\n\\u00e9"}\n')).toBe('{"a":"\\\\n\\u00e9"}\n')
  })

  it('is never steered by the lines written during all of these tests', () => {
    expect(mooring.logLines.length).toBeGreaterThan(0)
    for (const line of mooring.logLines) expect(textsIn(JSON.parse(line)).flatMap(steers)).toEqual([])
  })
})

describe('Text for JSON and for Markdown', () => {
  it('keeps its meaning, and opens no markup', () => {
    for (const text of TEXTS) {
      expect(JSON.parse(printableJson({ [text]: text }))).toEqual({ [text]: text })
      expect(steers(printableJson(text))).toEqual([])
      expect(printableMarkdown(text)).not.toMatch(/[<>&`*[\]|~@#!\n]/)
    }
  })
})
