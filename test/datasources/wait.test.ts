/** Waiting for the worker: woken by news, with a poll behind it, and never longer than was asked for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Semaphores, WAITERS } from '#server/api/caller/semaphores.ts'
import { type PollOptions, pollUntil } from '#server/api/procedure/poll-until.ts'
import { Notifications } from '#server/store/database/notifications.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'

let database: FreshDatabase
let notifications: Notifications
let waiter: PollOptions
const open = async () => {
  const made = new Notifications({ url: database.url, onError: () => undefined })
  await made.open()
  return made
}
beforeAll(async () => {
  database = await freshDatabase()
  notifications = await open()
  waiter = { deps: { notifications, waiters: new Semaphores(WAITERS) }, principal: { organizationId: 'one' } }
})
afterAll(async () => {
  await notifications.close()
  await database.drop()
})

describe('A wait', () => {
  it('ends at once when the answer is there, and does not look twice', async () => {
    let looks = 0
    const answer = await pollUntil(waiter, 30_000, async () => {
      looks += 1
      return 'there'
    })
    expect([answer, looks]).toEqual(['there', 1])
  })

  it('is woken by another process, before the poll would look', async () => {
    const other = await open()
    const startedAt = performance.now()
    let looks = 0
    const answer = await pollUntil(waiter, 30_000, async () => {
      looks += 1
      if (looks > 1) return 'there'
      other.ring('news')
      return undefined
    })
    expect([answer, looks]).toEqual(['there', 2])
    expect(performance.now() - startedAt).toBeLessThan(900)
    await other.close()
  })

  it('misses no news between a look and the wait', async () => {
    let isThere = false
    const answer = await pollUntil(waiter, 30_000, async () => {
      const seen = isThere
      isThere = true
      // The worker is done after the look and before the wait.
      notifications.ring('news')
      return seen ? 'there' : undefined
    })
    expect(answer).toBe('there')
  })

  it('looks by itself once a second where no news comes', async () => {
    let looks = 0
    const answer = await pollUntil(waiter, 30_000, async () => {
      looks += 1
      return looks === 2 ? 'there' : undefined
    })
    expect(answer).toBe('there')
  })

  it('ends without an answer when its time is over, with a last look', async () => {
    let looks = 0
    const startedAt = performance.now()
    const look = async () => {
      looks += 1
      return undefined
    }
    expect(await pollUntil(waiter, 50, look)).toBeUndefined()
    expect(looks).toBeGreaterThan(1)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(49)
  })

  it('throws what looking throws', async () => {
    const look = async () => {
      throw new Error('the database is away')
    }
    await expect(pollUntil(waiter, 1_000, look)).rejects.toThrow('the database is away')
  })
})

describe('A wake', () => {
  it('reaches every process that listens, many rings in a moment as one', async () => {
    const [one, two] = [await open(), await open()]
    let heard = 0
    const news = new Promise<void>(resolve => {
      two.on('news', () => {
        heard += 1
        resolve()
      })
    })
    for (let count = 0; count < 100; count += 1) one.ring('news')
    await news
    expect(heard).toBeLessThan(3)
    await Promise.all([one.close(), two.close()])
  })

  it('of one topic does not get in the way of another’s, and the driver has nothing to complain of', async () => {
    const warnings: string[] = []
    const warn = (warning: Error) => warnings.push(warning.message)
    process.on('warning', warn)
    const [one, two] = [await open(), await open()]
    const heard = (['news', 'work'] as const).map(topic => new Promise<void>(resolve => two.on(topic, resolve)))
    for (const topic of ['news', 'work'] as const) one.ring(topic)
    await Promise.all(heard)
    await Promise.all([one.close(), two.close()])
    process.off('warning', warn)
    expect(warnings).toEqual([])
  })

  it('is heard again after the connection was broken', async () => {
    const one = await open()
    const mended = new Promise<void>(resolve => one.on('work', resolve))
    await query(
      database.url,
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen mooring_work%' and datname = current_database()",
    )
    // Whoever listens again looks once, since what was said meanwhile is not repeated.
    await mended
    await one.close()
  })
})
