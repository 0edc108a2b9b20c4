/** A process for a single task: killed at its deadline, and its end shows how it ran. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startAlone } from '#server/net/process/alone.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mooring-alone-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const BEGIN = "require('node:fs').writeSync(3, '.');"
const LONG_MS = 60_000

async function ended(program: string, deadlineMs: number): Promise<string> {
  const entry = join(folder, `${randomUUID()}.cjs`)
  await writeFile(entry, program)
  return startAlone({ entry, order: {}, deadlineMs }).ended
}

describe('A process of one task', () => {
  it('is killed at its deadline, though its only thread is in an endless loop', async () => {
    const startedAt = performance.now()
    expect(await ended(`process.on('SIGTERM', () => {}); ${BEGIN} for (;;);`, 300)).toBe('died')
    expect(performance.now() - startedAt).toBeGreaterThan(300)
  })

  it('that ends by itself ends in order', async () => {
    expect(await ended(`${BEGIN} process.exit(0)`, LONG_MS)).toBe('in order')
  })

  it('that dies over its work is distinguished from one that never began', async () => {
    expect(await ended(`${BEGIN} process.exit(1)`, LONG_MS)).toBe('died')
    expect(await ended(`${BEGIN} setImmediate(() => process.kill(process.pid, 'SIGKILL'))`, LONG_MS)).toBe('died')
    expect(await ended('process.exit(1)', LONG_MS)).toBe('not started')
    expect(await ended('throw new Error("it cannot be loaded")', LONG_MS)).toBe('not started')
  })
})
