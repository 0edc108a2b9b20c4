/**
 * A client generated from `/openapi.json`
 * type-checks, and calls every operation.
 */
import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Document, exchangeCheck } from '#test/support/house/documented.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let mooring: Mooring
let customer: Customer
let document: Document
let dir: string
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  document = (await mooring.call('GET', '/openapi.json', { key: null })).body
  // Inside the repository, so that its packages are found, and not inside `node_modules`, where Node strips no types.
  await mkdir(join(root, '.data'), { recursive: true })
  dir = await mkdtemp(join(root, '.data/client-'))
  await writeFile(join(dir, 'package.json'), '{"type": "module"}')
  await copyFile(join(root, 'test/fixtures/openapi-calls.txt'), join(dir, 'calls.ts'))
  const types = await run([join(root, 'test/generator/generate.ts')], JSON.stringify(document))
  expect(types.status).toBe(0)
  await writeFile(join(dir, 'types.ts'), types.output)
})
afterAll(async () => {
  await rm(dir, { recursive: true })
  await mooring.stop()
  await customer.drop()
})

/** Runs a program with Node; returns its status and output. */
async function run(args: readonly string[], input = ''): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [...args], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(input)
  const output = await text(child.stdout)
  if (child.exitCode === null) await new Promise(resolve => child.once('exit', resolve))
  return { status: child.exitCode, output }
}

const STRICT = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', '--noEmit']
const MODULES = ['--module', 'nodenext', '--target', 'es2024', '--allowImportingTsExtensions', '--types', 'node']

/** The part of a call that the program reports. */
interface Called {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly text: string
}

describe('A generated client', () => {
  it('type-checks', async () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const checked = await run([compiler, '--ignoreConfig', ...STRICT, ...MODULES, join(dir, 'calls.ts')])
    expect(checked).toEqual({ status: 0, output: '' })
  })

  it('calls every operation, and gets the documented answers', { timeout: 60_000 }, async () => {
    const args = [mooring.url, mooring.organization.testKey, customer.url()]
    const { status, output } = await run([join(dir, 'calls.ts'), ...args])
    expect(status, output).toBe(0)
    const reported: { calls: Called[]; ready: boolean; code: string } = JSON.parse(output)
    expect(reported).toMatchObject({ ready: true, code: 'entity_not_found' })
    const check = exchangeCheck(document)
    const asked = reported.calls.map(({ method, path }) => ({ method, path, body: '' }))
    for (const [at, call] of reported.calls.entries()) {
      const answer = { status: call.status, headers: new Headers(), text: call.text }
      // The program reports nothing about its request bodies; its compiler has checked them.
      const problems = check.problems(asked[at] ?? { method: '', path: '', body: '' }, answer)
      expect(problems.filter(problem => problem !== 'the body is missing')).toEqual([])
    }
    const done = new Set(asked.map(one => check.operationOf(one)))
    expect(check.operations.filter(operation => !done.has(operation))).toEqual([])
  })
})
