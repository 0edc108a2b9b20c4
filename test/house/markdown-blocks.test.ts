/**
 * Every block of every document is run by a test, or is listed here with the reason why not; a block without a decision
 * fails. Every Mooring command in a document must be accepted by the command line.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseCommandLine } from '#server/operator/command-line/program.ts'
import { allCommands } from '#server/operator/command-line/table.ts'
import { NOT_READY } from '#server/process/readiness.ts'
import { SETTINGS } from '#server/settings/known-settings.ts'
import { ownCommandsOf } from '#test/support/papers/own-commands.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFile(join(root, path), 'utf8')

/** Documents of which one test runs or generates every block. */
const WHOLE: Readonly<Record<string, string>> = {
  'README.md': 'test/house/readme-blocks.test.ts',
  'docs/guide.md': 'test/house/guide-blocks.test.ts',
  'docs/fixes.md': 'test/house/fixes-table.test.ts',
  'docs/state-machines.md': 'test/house/papers.test.ts',
}

/** The file that runs a block, or the reason why none does, which begins with `not run:`. */
type Decision = readonly [opening: string, by: string]

const HERE = 'test/house/markdown-blocks.test.ts'
const BOOK = 'test/book/run.ts'
const ALERTS = 'test/book/book.test.ts'
const TRACING =
  'not run: these packages are an operator’s; test/telemetry/tracing.test.ts has an SDK of the same family'

/**
 * Blocks of the other documents, by language and the beginning of the first line. One decision may cover several
 * blocks.
 */
const DECIDED: Readonly<Record<string, readonly Decision[]>> = {
  'CONTRIBUTING.md': [
    [' main.ts (all in one)', 'not run: a drawing, whose arrows test/house/architecture.test.ts holds'],
  ],
  'docs/benchmarks.md': [
    ['console $ npm run -s bench:verify', 'not run: minutes each on a quiet machine; the scripts exist'],
  ],
  'docs/client.md': [
    ["ts import { createClient, faultOf } from 'mooring-client'", 'test/house/guide-blocks.test.ts'],
    ['tsx const { TRPCProvider, useTRPC }', 'test/support/consumers/projects.ts'],
    ['tsx function Databases()', 'test/support/consumers/projects.ts'],
    ["ts import { withDatasource } from 'mooring-client/node'", 'test/house/guide-blocks.test.ts'],
    ["ts import { createEndpoint } from 'mooring-client/endpoint'", 'test/house/guide-blocks.test.ts'],
  ],
  'docs/testing.md': [
    ["ts import { startMooring } from 'mooring/testing'", 'test/standalone/throwaway.test.ts'],
    ['ts import { startMooring, type TestMooring }', 'test/standalone/throwaway.test.ts'],
    ["js const { startMooring } = require('mooring/testing')", 'test/support/consumers/tested.ts'],
    ["js import { expect, test as base } from '@playwright/test'", 'test/support/consumers/tested.ts'],
    ['python import json', 'test/standalone/throwaway.test.ts'],
  ],
  'docs/operations.md': [
    ['sh install npm run -s build', BOOK],
    ['sh book', BOOK],
    ['sh umask 077', 'not run: it needs a container engine; `bash -n` and the command line read it below'],
    ['sh DATABASE_URL_FILE=', HERE],
    ['sh DATABASE_URL=postgres://mooring_web', HERE],
    ['sql select', ALERTS],
    ['sql alter role mooring set statement_timeout', ALERTS],
    ['ini ; pgbouncer.ini', 'test/database/pooler.test.ts'],
    ['json { "ok": true', HERE],
    ['yaml # prometheus.yml', HERE],
    ['sh npm install @opentelemetry/sdk-node', TRACING],
    ['js // /etc/mooring/tracing.mjs', TRACING],
    ['sh npm run -s mooring -- db restored', HERE],
  ],
}

interface Found {
  readonly language: string
  readonly text: string
  /** The info string of the fence, and the first line. */
  readonly opening: string
}

function blocksIn(markdown: string): Found[] {
  return [...markdown.matchAll(/^( *)```(.*)\n([\s\S]*?)^\1```$/gm)].map(([, , info = '', text = '']) => ({
    language: info.split(' ')[0] ?? '',
    text,
    opening: `${info} ${text.trimStart().split('\n')[0]}`,
  }))
}

const entries = await readdir(root, { withFileTypes: true })
const folders = ['docs', 'client', 'server', 'shared', 'migrations']
const below = await Promise.all(
  folders.map(async folder =>
    (await readdir(join(root, folder), { recursive: true })).map(name => `${folder}/${name}`),
  ),
)
const documents = [...entries.filter(entry => entry.isFile()).map(({ name }) => name), ...below.flat()].filter(name =>
  name.endsWith('.md'),
)
const texts = new Map(await Promise.all(documents.map(async name => [name, await read(name)] as const)))
const blocksOf = (name: string) => blocksIn(texts.get(name) ?? '')
const decisionsOf = (name: string, { opening }: Found) =>
  (DECIDED[name] ?? []).filter(([beginning]) => opening.startsWith(beginning))
/** Returns the blocks of all documents with this decision. */
const decided = (by: string) =>
  documents.flatMap(name => blocksOf(name).filter(block => decisionsOf(name, block).some(one => one[1] === by)))

describe('The blocks of the documents', () => {
  it('have one decision each, and no decision is about a block that is gone', () => {
    const others = documents.filter(name => WHOLE[name] === undefined)
    const undecided = others.flatMap(name =>
      blocksOf(name)
        .filter(block => decisionsOf(name, block).length !== 1)
        .map(({ opening }) => `${name}: ${opening}`),
    )
    expect(undecided).toEqual([])
    const idle = Object.entries(DECIDED).flatMap(([name, decisions]) =>
      decisions.filter(([beginning]) => !blocksOf(name).some(({ opening }) => opening.startsWith(beginning))),
    )
    expect(idle).toEqual([])
  })

  it('are run by a file that reads their document', async () => {
    const named = [
      ...Object.entries(WHOLE),
      ...Object.entries(DECIDED).flatMap(([name, decisions]) => decisions.map(([, by]) => [name, by] as const)),
    ]
    const wrong: string[] = []
    for (const [name, by] of named) {
      if (by.startsWith('not run: ') || by === HERE) continue
      // The tests of generated documents and of the pooler read the sources that the documents are made from.
      if (!(await read(by)).includes(name.split('/').at(-1) ?? name)) wrong.push(`${by} does not read ${name}`)
    }
    expect(wrong).toEqual([])
  })

  it('in shell are valid shell', async () => {
    const shell = documents.flatMap(name => blocksOf(name).filter(({ language }) => language === 'sh'))
    expect(shell.length).toBeGreaterThan(25)
    for (const { text } of shell) await promisify(execFile)('bash', ['-n', '-c', text])
  })

  it('with only settings name existing settings', () => {
    const lines = decided(HERE)
      .filter(({ language, text }) => language === 'sh' && /^[A-Z_]+=/.test(text))
      .flatMap(({ text }) => text.trim().split('\n'))
    expect(lines.length).toBeGreaterThan(3)
    expect(lines.filter(line => SETTINGS[line.split('=')[0] ?? ''] === undefined)).toEqual([])
  })

  it('with an answer of readiness have its fields and conditions', () => {
    const answers = decided(HERE)
      .filter(({ language }) => language === 'json')
      .flatMap(({ text }) => text.trim().split('\n'))
      .map(line => JSON.parse(line))
    expect(answers.length).toBe(2)
    for (const { ok, failing, trouble } of answers) {
      expect(ok).toBe(failing.length === 0)
      expect(failing.filter((name: string) => !(name in NOT_READY))).toEqual([])
      if (failing.length > 0) expect(trouble).toBe(Object.entries(NOT_READY).find(([name]) => name === failing[0])?.[1])
    }
  })

  it('with the settings of Prometheus are part of docs/prometheus', async () => {
    const [block] = decided(HERE).filter(({ language }) => language === 'yaml')
    expect(parse(await read('docs/prometheus/prometheus.yml'))).toMatchObject(parse(block?.text ?? ''))
  })
})

describe('A Mooring command in a document', () => {
  const line = { name: 'mooring', version: '0', all: allCommands }
  it.each(documents)('%s is accepted by the command line', name => {
    const wrong = ownCommandsOf(texts.get(name) ?? '').flatMap(words => {
      const parsed = parseCommandLine(words, line)
      const isHelp = 'text' in parsed && parsed.status === 0
      return 'command' in parsed || isHelp ? [] : [`${words.join(' ')}: ${parsed.text}`]
    })
    expect(wrong).toEqual([])
  })

  it('is found however it is called', () => {
    const found = (text: string) => ownCommandsOf(text).map(words => words.join(' '))
    expect(found('Run `npm run -s mooring -- keys list --json` first.')).toEqual(['keys list --json'])
    expect(found('```sh\nX=1 operator org create --name "A B" >"$OUT"\n```')).toEqual(['org create --name X'])
    expect(found('```console\n$ npx mooring migrate   # at each release\n```')).toEqual(['migrate'])
    expect(found('```sh\ndocker compose run --rm operator db grant --web a\n```')).toEqual(['db grant --web a'])
    expect(found('`mooring db grant`, and `operator` is a person; so is an operator x.')).toEqual(['db grant'])
    expect(found('`mooring start --json`, `npm run -s mooring -- …`, `npx mooring COMMAND`')).toEqual([])
  })
})
