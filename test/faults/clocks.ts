/**
 * Clocks apart: one web process is an hour ahead, and both workers are five minutes behind. The database's time decides.
 */
import type { Fault } from './fault.ts'
import type { Member } from './scene.ts'

const SHIFT_MS: Readonly<Partial<Record<Member, number>>> = {
  'web-1': 3_600_000,
  'worker-1': -300_000,
  'worker-2': -300_000,
}

/** A module that moves a process's clock, loaded before everything else. */
function movedClock(ms: number): string {
  const code = `const Real = Date
    const now = () => Real.now() + ${ms}
    globalThis.Date = new Proxy(Real, {
      construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
      apply: () => String(new Real(now())),
      get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
    })`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

/** The fault: the clocks are wrong from the beginning. */
export const clocksApart: Fault = {
  name: 'clocks apart',
  withinSeconds: 20,
  isHarmless: true,
  lastsSeconds: 2,
  scene: async () => ({
    flags: member => (SHIFT_MS[member] === undefined ? [] : ['--import', movedClock(SHIFT_MS[member] ?? 0)]),
  }),
  begin: async () => async () => undefined,
}
