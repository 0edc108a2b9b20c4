/**
 * Runs the blocks of docs/guide.md from top to bottom, as a reader would, against a Mooring and a customer's database:
 * each prints the output that the guide shows. Its TypeScript is also type-checked, and its SQL runs in the customer's
 * database.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { type Block, blocksOf, commandsOf, comparable } from '#test/support/papers/blocks.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const guide = await readFile(join(root, 'docs/guide.md'), 'utf8')
const blocks = blocksOf(guide)
const programs = blocks.filter(({ language }) => language === 'ts')
const clientPage = blocksOf(await readFile(join(root, 'docs/client.md'), 'utf8'))
const clientPrograms = clientPage.filter(({ language }) => language === 'ts').map(({ text }) => placed(text))

let mooring: Mooring
let customer: Customer
let folder: string
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  folder = await mkdtemp(join(tmpdir(), 'mooring-guide-'))
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await rm(folder, { recursive: true })
})

const environment = () => ({
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: tmpdir(),
  KEY: mooring.organization.testKey,
  SAMPLE: customer.url(),
})
const here = (text: string) =>
  text.replaceAll('http://localhost:3000', mooring.url).replaceAll('localhost:3000', new URL(mooring.url).host)

describe('The guide', () => {
  it('has only blocks that are run', () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['console', 'ts', 'sql']))
    expect(commandsOf(blocks).length).toBeGreaterThan(10)
  })

  it('shows the real output of its commands, in their order in one shell', async () => {
    const commands = commandsOf(blocks)
    const mark = '== next =='
    const script = commands.map(({ command }) => `${here(command)}\necho; echo '${mark}'`).join('\n')
    const { stdout } = await run('sh', ['-c', script], { env: environment() })
    const printed = stdout.split(`\n${mark}\n`)
    for (const [at, { command, printed: wanted }] of commands.entries()) {
      const text = comparable(wanted)
      expect(comparable(printed[at] ?? '').slice(0, text.length), command).toBe(text)
      // A command that prints nothing sets a variable for later ones.
      if (wanted === '') expect(command).toMatch(/^[A-Z]+=/)
    }
  })

  it.each(programs.map((block, at) => ({ block, at })))(
    'has TypeScript that runs: block $at',
    async ({ block, at }) => {
      const file = join(folder, `block-${at}.mts`)
      await writeFile(file, programOf(block))
      const { stdout } = await run(process.execPath, [file], { env: environment(), timeout: 60_000 })
      expect(stdout).toMatch(PRINTED[at] ?? /never/)
    },
  )

  it('has, as docs/client.md does, TypeScript that compiles strictly', async () => {
    const ofClient = clientPrograms.map((program, at) => `${LEFT_TO_READERS[at] ?? ''}\n${program}`)
    const checked = [...programs.map(programOf), ...ofClient]
    const files = checked.map((program, at) => [`checked-${at}.mts`, program] as const)
    for (const [name, text] of files) await writeFile(join(folder, name), text)
    // One of our own compiler rules that a reader's project need not have.
    const own = { noPropertyAccessFromIndexSignature: false, typeRoots: [join(root, 'node_modules/@types')] }
    const only = { include: [], files: files.map(([name]) => join(folder, name)) }
    const config = { extends: join(root, 'tsconfig.json'), compilerOptions: own, ...only }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = await run(process.execPath, [compiler, '--noEmit', '-p', folder], { cwd: root }).catch(
      (failed: { stdout: string }) => failed,
    )
    expect(stdout).toBe('')
  })

  it('has, in docs/client.md, a first call that registers a database', async () => {
    const [first = ''] = clientPrograms
    const given = 'const [connectionString, sessionKey] = [process.env.SAMPLE, () => process.env.KEY]'
    const file = join(folder, 'client.mts')
    await writeFile(file, `${given}\n${first.replace('https://mooring.example', mooring.url)}`)
    const { stdout } = await run(process.execPath, [file], { env: environment(), timeout: 60_000 })
    expect(stdout).toMatch(/^active \[\n {2}\{\s+item: 'host',\s+outcome: 'pass'/)
  })

  it('has SQL that runs in the database of a customer', async () => {
    const statements = blocks.filter(({ language }) => language === 'sql')
    expect(statements.length).toBeGreaterThan(0)
    for (const { text } of statements) expect(await query(customer.url(), text)).toHaveLength(1)
  })
})

/** The output of each program, in the order of the guide. */
const PRINTED = [/^active\n$/, /^registered\n(updated\n)*verified\n$/, /:\d+\//]

/** The parts that each program of docs/client.md leaves to its reader. */
const LEFT_TO_READERS = [
  'declare const connectionString: string; declare function sessionKey(): string',
  `import type { Client } from '${clientFile('index')}'; declare const mooring: Client`,
  `declare const signingKey: string; type Options = Parameters<typeof createEndpoint>[0]
   declare function readEvents(cursor: string | null, limit: number): ReturnType<Options['events']>`,
]

/** Returns the block unchanged, except for the server's address and the location of the package. */
function programOf({ text }: Block): string {
  return placed(here(text))
}

function clientFile(entry: string): string {
  return pathToFileURL(join(root, `client/${entry}.ts`)).pathname
}

function placed(text: string): string {
  return text.replaceAll(/'mooring-client(?:\/(\w+))?'/g, (_, entry: string = 'index') => `'${clientFile(entry)}'`)
}
