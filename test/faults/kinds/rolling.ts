/**
 * Both web processes are replaced one after the other behind a balancer that polls their readiness once a second and
 * retries nothing, as in a deploy: writers that know only the balancer notice nothing.
 */
import type { Fault } from '#test/faults/fault.ts'
import { type Balancer, startBalancer } from '#test/support/operations/balancer.ts'

/**
 * The fault. A supervisor gives each process the time that it asks for, and replaces the next one when the first serves
 * again.
 */
export function rolling(): Fault {
  let balancer: Balancer | null = null
  let failures = 0
  return {
    name: 'rolling restart',
    withinSeconds: 20,
    sparesMeanwhile: 'everyone',
    lastsSeconds: 2,
    scene: async () => ({
      // Production's default: a process serves for five seconds after the signal.
      between: async () => url => ({ DATABASE_URL: url, MOORING_DRAIN_SECONDS: '' }),
      async before(urls, cleanup) {
        const started = await startBalancer()
        cleanup.defer(() => started.stop())
        for (const url of urls) await started.add(url)
        balancer = started
        return [started.url]
      },
    }),
    async begin(scene) {
      failures = scene.load.failures()
      for (const [at, member] of (['web-1', 'web-2'] as const).entries()) {
        await scene.process(member).end()
        await scene.start(member)
        await balancer?.takenIn(scene.urls[at] ?? '')
      }
      return async () => undefined
    },
    async after(scene) {
      const failed = scene.load.failures() - failures
      return [...(failed === 0 ? [] : [`${failed} writes failed`]), ...(balancer?.failures ?? ['there is no balancer'])]
    },
  }
}
