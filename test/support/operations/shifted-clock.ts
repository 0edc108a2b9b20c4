/**
 * Node flags that start a process with a shifted wall clock, as on a machine with a wrong one: `Date` and the origin of
 * `performance`. Timers and the monotonic clock are unaffected, as they are there.
 */

/** The flags; `byMs` is added to the real time. */
export function shiftedClock(byMs: number): string[] {
  const code = `
    const Real = Date
    const now = () => Real.now() + ${byMs}
    const Shifted = new Proxy(Real, {
      construct: (target, args, type) =>
        Reflect.construct(target, args.length === 0 ? [now()] : args, type === Shifted ? Real : type),
      apply: () => new Real(now()).toString(),
      get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
    })
    globalThis.Date = Shifted
    Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + ${byMs} })
  `
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`]
}
