/** The main job, told once for each voice on real databases: registered, verified, listed, read back, removed, gone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Mooring, startMooring } from '#test/support/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring()
})
afterAll(() => mooring.stop())

describe('a first look', () => {
  it('answers health', async () => {
    expect((await mooring.call('GET', '/healthz', { key: null })).status).toBe(200)
    expect((await mooring.call('GET', '/readyz', { key: null })).status).toBe(200)
  })
})
