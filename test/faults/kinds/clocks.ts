/**
 * Clocks apart: one web process is an hour ahead, and both workers are five minutes behind. The database's time decides.
 */

import type { Fault } from '#test/faults/fault.ts'
import type { Member } from '#test/faults/scene.ts'
import { shiftedClock } from '#test/support/operations/shifted-clock.ts'

const SHIFT_MS: Readonly<Record<Member, number>> = {
  'web-1': 3_600_000,
  'web-2': 0,
  'worker-1': -300_000,
  'worker-2': -300_000,
}

/** The fault: the clocks are wrong from the beginning. */
export const clocksApart: Fault = {
  name: 'clocks apart',
  withinSeconds: 20,
  sparesMeanwhile: 'everyone',
  lastsSeconds: 2,
  scene: async () => ({ flags: member => (SHIFT_MS[member] === 0 ? [] : shiftedClock(SHIFT_MS[member])) }),
  begin: async () => async () => undefined,
}
