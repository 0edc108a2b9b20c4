/**
 * Flags of Node's that start a process whose wall clock is another one, as on a machine that was set wrong: `Date` and the
 * origin of `performance`. Timers and the monotonic clock go on as they do there, too.
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
