/**
 * The length of a request's path: the product files and functions that a warm one enters. `npm run trace` prints them.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import type { Entered } from '#test/support/house/trace.ts'

/** The maximum of files and functions. Raise one only with a reason in the commit message. */
const BOUNDS = {
  'register, datasources': [49, 204],
  'register, connections': [49, 206],
  'register, trpc': [48, 189],
  'read, datasources': [17, 87],
  'read, connections': [18, 87],
  'read, trpc': [18, 85],
} as const

let database: FreshDatabase
let traced: Record<string, Entered[]>

beforeAll(async () => {
  database = await freshDatabase()
  const script = fileURLToPath(import.meta.resolve('#test/bench/trace.ts'))
  const env = { ...process.env, DATABASE_URL: database.url }
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env, maxBuffer: 16 << 20 })
  traced = JSON.parse(stdout)
})

afterAll(() => database.drop())

test('every surface is traced', () => {
  expect(Object.keys(traced).sort()).toEqual(Object.keys(BOUNDS).sort())
})

test.each(Object.entries(BOUNDS))('%s enters few files and functions', (name, [files, functions]) => {
  const entered = traced[name] ?? []
  // An empty trace would satisfy any bound.
  expect(entered.map(({ file }) => file)).toContain('server/api/caller/principal.ts')
  expect(entered.length, entered.map(({ file }) => file).join('\n')).toBeLessThanOrEqual(files)
  expect(entered.flatMap(one => one.functions).length).toBeLessThanOrEqual(functions)
})
