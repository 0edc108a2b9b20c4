/**
 * Checks the book (docs/operations.md) without running it: its blocks exist, are valid shell, and start with the
 * Dockerfile's own commands; each alert has a section whose queries, statements and log lines exist. `npm run
 * test:book` runs the book.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ALERTS } from '#server/metrics/alerts.ts'
import { PROCESS_METRICS } from '#server/metrics/process-metrics.ts'
import { METRICS } from '#server/metrics/table.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'
import { selectorsOf } from '#test/support/operations/promql.ts'
import { alertTests } from './alert-cases.ts'
import { blocksOf, scriptOf } from './blocks.ts'
import { stagesOf } from './dockerfile.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFile(join(ROOT, path), 'utf8')
const book = await read('docs/operations.md')
const blocks = blocksOf(book)

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

/** The required chapters, by their headings in the book. */
const CHAPTERS = [
  ...[
    'The book',
    'Install',
    'A PostgreSQL of your own',
    'Roles and grants',
    'Keyrings',
    'Organizations and keys',
    'Run',
    'Watch',
  ],
  ...['Back up and restore', 'Upgrade without downtime', 'Rotate keys', 'Failover', 'A pooler', 'Grow', 'Stop'],
]

describe('The book', () => {
  it('has steps in every chapter, in order', () => {
    const chapters = blocks.map(({ chapter }) => chapter)
    expect(chapters.filter((chapter, at) => chapter !== chapters[at - 1])).toEqual(CHAPTERS)
  })

  it('runs under load in the steps that promise no refusal, and in those that lose a primary', () => {
    const marks = (mark: string) => blocks.filter(one => one.mark === mark).map(({ chapter }) => chapter)
    expect(marks('book under load')).toEqual(['Upgrade without downtime', 'Failover'])
    expect(marks('book losing nothing')).toEqual(['Failover'])
    expect(() => blocksOf('```sh book somehow\n```\n')).toThrow('a mark that the book does not know')
  })

  it('is valid shell', async () => {
    await promisify(execFile)('bash', ['-n', '-c', scriptOf(blocks)])
    await expect(promisify(execFile)('bash', ['-n', '-c', 'if'])).rejects.toThrow()
  })

  it('installs with the commands of the Dockerfile', async () => {
    const [install] = blocks.filter(({ mark }) => mark === 'install')
    const commands = (install?.text ?? '')
      .trim()
      .split('\n')
      .filter(line => line.startsWith('npm '))
    const [build] = stagesOf(await read('Dockerfile'))
    const runs = (build?.instructions ?? []).filter(({ name }) => name === 'RUN').map(({ rest }) => rest)
    // The first command, `npm ci`, has already run in a checkout.
    expect(runs.slice(1)).toEqual(commands)
    expect(runs[0]).toMatch(/^npm ci /)
  })
})

/** Returns the section of an alert. */
function sectionOf(name: string): string {
  const [, section = ''] = new RegExp(`^### ${name}\\n([\\s\\S]*?)(?=^##)`, 'm').exec(book) ?? []
  return section
}

describe('The section of an alert', () => {
  it.each(Object.keys(ALERTS))('%s has queries to run, what to do, and when it is over', name => {
    const section = sectionOf(name)
    const [, asked = ''] = /^\n\*\*Ask\*\* ([\s\S]*?)\n\n\*\*Do\*\* /.exec(section) ?? []
    expect(section).toMatch(/\n\*\*Do\*\* [\s\S]{60,}\n\*\*Over\*\* when/)
    const queries = [...asked.matchAll(/`([^`]+)`/g)].map(found => found[1] ?? '')
    expect(queries.length).toBeGreaterThan(0)
    const known = new Set([...Object.keys(METRICS), ...Object.keys(PROCESS_METRICS), 'up'])
    const names = queries.flatMap(query_ => selectorsOf(query_).map(selector => selector.name))
    expect(names.filter(one => !known.has(one.replace(/_(bucket|count|sum)$/, '')))).toEqual([])
  })

  it('belongs to an existing alert, and is linked from its rule and from the table', async () => {
    const headings = [...book.matchAll(/^### (Mooring\w+)$/gm)].map(([, name]) => name)
    expect(headings).toEqual(Object.keys(ALERTS))
    const { groups } = parse(await read('docs/prometheus/alerts.yml'))
    const links = groups[0].rules.map((rule: { alert: string; annotations: { runbook_url: string } }) => [
      rule.alert,
      rule.annotations.runbook_url,
    ])
    expect(links).toEqual(headings.map(name => [name, `docs/operations.md#${name?.toLowerCase()}`]))
    for (const name of headings) expect(book).toContain(`[\`${name}\`](#${name?.toLowerCase()})`)
  })

  it('has a case in which the alert fires and one in which it does not', () => {
    expect(alertTests('alerts.yml').tests).toHaveLength(2 * Object.keys(ALERTS).length + 1)
  })

  it('names log lines that the code writes', async () => {
    const sections = Object.keys(ALERTS).map(sectionOf).join('\n')
    const quoted = [...sections.matchAll(/`([a-z][a-z ,:]+ [a-z ,:]+)`/g)].map(found => found[1] ?? '')
    const lines = quoted.filter(text => /^(a|an|the|no|old|another|task|request|procedure) /.test(text))
    expect(lines.length).toBeGreaterThan(8)
    const files = (await readdir(join(ROOT, 'server'), { recursive: true })).filter(name => name.endsWith('.ts'))
    const code = (await Promise.all(files.map(name => read(`server/${name}`)))).join('')
    expect(lines.filter(text => !code.includes(text))).toEqual([])
  })

  it('has statements that run on the database', async () => {
    const sections = Object.keys(ALERTS).map(sectionOf).join('\n')
    const statements = [...sections.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map(found => found[1] ?? '')
    expect(statements.length).toBeGreaterThan(5)
    for (const statement of statements) await query(database.url, statement)
  })
})

describe('The deadlines of the owner', () => {
  it('are set by the statements of the book', async () => {
    const [, statements = ''] = /^ {2}```sql\n([\s\S]*?)^ {2}```$/m.exec(book) ?? []
    const role = `mooring_${new URL(database.url).pathname.replaceAll(/\W/g, '')}`
    const named = statements.replaceAll('role mooring ', `role ${role} `)
    const set = `select unnest(setconfig) as set from pg_db_role_setting where setrole = '${role}'::regrole order by 1`
    await query(database.url, `create role ${role}; ${named}`)
    const rows = await query(database.url, set)
    await query(database.url, `drop role ${role}`)
    expect(rows.map(row => row['set'])).toEqual([
      'idle_in_transaction_session_timeout=15s',
      'lock_timeout=2s',
      'statement_timeout=15s',
    ])
  })
})
