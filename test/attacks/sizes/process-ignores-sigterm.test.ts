/**
 * A stranger's input keeps the main thread of a process in a loop that handles no signal: the process still ends in
 * time, with or without a signal. A debugger injects the loop, since no input is known to cause one.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeTiers, type Tiers } from '#test/support/mooring/tiers.ts'
import { evaluate } from '#test/support/operations/inspector.ts'

const GRACE_MS = 20_000

// The loop sleeps between its rounds: the thread handles nothing, and takes no time from parallel tests.
const LOOP = `process._rawDebug('in the loop'); const cell = new Int32Array(new SharedArrayBuffer(4));
  for (;;) Atomics.wait(cell, 0, 0, 100)`

let tiers: Tiers
beforeAll(async () => {
  tiers = await makeTiers()
})
afterAll(() => tiers?.stop())

// Each of these waits out the grace period: run them at once.
describe.concurrent.each(['web', 'worker'] as const)('The %s', tier => {
  it('in an endless loop ends within its grace period after SIGTERM, and logs why', async () => {
    const started = await tiers.start(tier, { flags: ['--inspect=0'] })
    await expect.poll(() => started.stderr()).toMatch(/ws:\/\//)
    evaluate(started.stderr(), LOOP)
    await expect.poll(() => started.stderr()).toContain('in the loop')
    const startedAt = performance.now()
    await started.end('SIGTERM')
    const tookMs = performance.now() - startedAt
    console.log(`${tier}: ended ${(tookMs / 1000).toFixed(1)} s after SIGTERM`)
    expect(tookMs).toBeLessThan(GRACE_MS + 5_000)
    expect(started.process.signalCode).toBe('SIGKILL')
    expect(started.lines().map(line => line['msg'])).toContain('killed: the main thread did nothing for too long')
  })
})

it.concurrent('Processes that the machine suspends for a while continue', async () => {
  const both = await Promise.all([tiers.start('web'), tiers.start('worker')])
  for (const { process } of both) process.kill('SIGSTOP')
  await new Promise(resolve => setTimeout(resolve, GRACE_MS + 2_000))
  for (const { process } of both) process.kill('SIGCONT')
  await new Promise(resolve => setTimeout(resolve, 2_000))
  for (const started of both) {
    expect(started.process.signalCode).toBeNull()
    await started.end('SIGTERM')
    expect(started.process.exitCode).toBe(0)
  }
})
