/**
 * Runs the README's blocks unchanged against a Mooring and a customer's database: each prints the output that the
 * README shows.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { blocksOf, commandsOf, comparable } from '#test/support/papers/blocks.ts'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url)
const readme = await readFile(new URL('README.md', root), 'utf8')
/** Blocks that `.ci/run` and other tests run: the two commands, and the lines around them. */
const RUN_ELSEWHERE = ['npm ci && npm start', 'npm ci && npm test']

let mooring: Mooring
let customer: Customer
let folder: string
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  folder = await mkdtemp(join(tmpdir(), 'mooring-readme-'))
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await rm(folder, { recursive: true })
})

const blocks = blocksOf(readme)
const commands = commandsOf(blocks)
const environment = () => ({ ...testEnvironment(), KEY: mooring.organization.testKey, SAMPLE: customer.url() })

function testEnvironment(): Record<string, string> {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder }
}

it('has only blocks that a test runs, and the drawing', () => {
  expect(blocks.map(({ language }) => language).sort()).toEqual(['', 'console', 'console', 'console', 'console', 'ts'])
  const others = commands.map(({ command }) => command).filter(command => !command.startsWith('curl '))
  expect(others).toEqual(RUN_ELSEWHERE)
  expect(commands.length - others.length).toBe(2)
})

it.each(commands.filter(({ command }) => command.startsWith('curl ')))(
  'shows the real output of: $command',
  async ({ command, printed }) => {
    const here = command.replaceAll('localhost:3000', new URL(mooring.url).host)
    const { stdout } = await run('sh', ['-c', here], { env: environment() })
    const wanted = comparable(printed)
    expect(wanted.length).toBeGreaterThan(20)
    expect(comparable(stdout).slice(0, wanted.length)).toBe(wanted)
  },
)

it('has a typed call that registers a database and finds it active', async () => {
  const [block] = blocks.filter(({ language }) => language === 'ts')
  const file = join(folder, 'call.mts')
  const program = (block?.text ?? '')
    .replace('./client/index.ts', pathToFileURL(new URL('client/index.ts', root).pathname).href)
    .replace('http://localhost:3000', mooring.url)
  await writeFile(file, program)
  const { stdout } = await run(process.execPath, [file], { env: environment() })
  expect(stdout).toMatch(/^ds_test_[0-9a-f]{32} active \d+\n$/)
})
