/**
 * A start on a full disk once reported "An error was suppressed during disposal": cleaning up failed on that disk as
 * well, and the second error replaced the first.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ENTRY = `
import { run } from '#server/process/process.ts'
await run(async (config, log, cleanup) => {
  for (const text of ['third', 'second']) cleanup.defer(() => { throw new Error('The ' + text + ' error.') })
  throw new Error('The first error.')
})`

it('A start that fails reports its cause, even if its clean-up fails as well', () => {
  const env = { PATH: process.env['PATH'] ?? '', MOORING_LOG_LEVEL: 'silent' }
  const told = spawnSync(process.execPath, ['--input-type=module', '-e', ENTRY], { cwd: ROOT, env, encoding: 'utf8' })
  expect([told.status, told.stderr]).toEqual([1, 'The first error.\n'])
})
