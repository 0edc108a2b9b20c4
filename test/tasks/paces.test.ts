/** How a worker's dialling processes are shared out: as many as there are, nobody is kept out by what is due or by one tenant. */
import { describe, expect, it } from 'vitest'
import { readConfig } from '#server/config.ts'
import { concurrencyOf } from '#server/work/concurrency.ts'

describe('The places of a worker', () => {
  it('are by default eight for checks, six of them for what is due, and eight for feeds, four of which dial', () => {
    const { checks, feeds, feedDials } = concurrencyOf(readConfig({}).dialProcesses)
    expect(checks).toMatchObject({ slots: 8, background: 6, perOrganization: { asked: 3, background: 2 } })
    expect(feeds).toMatchObject({ slots: 8, background: 8, perOrganization: { asked: 1, background: 6 } })
    expect(feedDials).toBe(4)
  })

  it.each(Array.from({ length: 63 }, (_, at) => at + 2))(
    'with %i processes leave one for each who may need it',
    processes => {
      const { checks, feeds, feedDials } = concurrencyOf(processes)
      const { asked, background } = checks.perOrganization
      for (const count of [checks.background, asked, background, feedDials, feeds.perOrganization.background])
        expect(count).toBeGreaterThanOrEqual(1)
      // Those who ask have a place whatever is due, and another organization has one whatever one asks.
      expect(checks.background).toBeLessThan(checks.slots)
      expect(asked).toBeLessThan(checks.slots)
      expect(background).toBeLessThanOrEqual(checks.background)
      // Whoever has a place waits for no process; two alone are shared with a poll.
      expect(checks.slots + feedDials).toBeLessThanOrEqual(Math.max(3, processes))
    },
  )
})
