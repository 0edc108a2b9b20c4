/**
 * How a worker's dialling processes are divided up, for any number: neither scheduled work nor a single tenant gets
 * them all.
 */
import { describe, expect, it } from 'vitest'
import { readConfig } from '#server/config.ts'
import { concurrencyOf } from '#server/work/concurrency.ts'

describe('The concurrency of a worker', () => {
  it('is by default eight checks, six of them scheduled, and eight feeds, four of which dial', () => {
    const { checks, feeds, feedDials } = concurrencyOf(readConfig({}).dialProcesses)
    expect(checks).toMatchObject({ limit: 8, background: 6, perOrganization: { asked: 3, background: 2 } })
    expect(feeds).toMatchObject({ limit: 8, background: 8, perOrganization: { asked: 1, background: 6 } })
    expect(feedDials).toBe(4)
  })

  it.each(Array.from({ length: 63 }, (_, at) => at + 2))(
    'with %i processes leaves one for each caller who may need it',
    processes => {
      const { checks, feeds, feedDials } = concurrencyOf(processes)
      const { asked, background } = checks.perOrganization
      for (const count of [checks.background, asked, background, feedDials, feeds.perOrganization.background])
        expect(count).toBeGreaterThanOrEqual(1)
      // Callers have a place whatever is due, and another organization has one whatever one organization requests.
      expect(checks.background).toBeLessThan(checks.limit)
      expect(asked).toBeLessThan(checks.limit)
      expect(background).toBeLessThanOrEqual(checks.background)
      // A task with a place waits for no process; a poll shares with them only when there are two processes.
      expect(checks.limit + feedDials).toBeLessThanOrEqual(Math.max(3, processes))
    },
  )
})
