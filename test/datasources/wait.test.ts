/**
 * Waiting for the worker: woken by notifications, with a poll behind them, and never longer than the caller's limit.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Semaphores, WAITERS } from '#server/api/caller/semaphores.ts'
import { type PollOptions, pollUntil } from '#server/api/procedure/poll-until.ts'
import { newId } from '#server/domain/access/ids.ts'
import { type Concerned, Notifications } from '#server/store/database/notifications.ts'
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
  it('ends at once when the result exists, and does not look twice', async () => {
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

  it('does not look at the news of another organization', async () => {
    let looks = 0
    const answer = await pollUntil(waiter, 30_000, async () => {
      looks += 1
      if (looks > 1) return 'there'
      notifications.ring('news', 'another')
      setImmediate(() => {
        expect(looks).toBe(1)
        notifications.ring('news', 'one')
      })
      return undefined
    })
    expect([answer, looks]).toEqual(['there', 2])
  })

  it('misses no notification between a look and the wait', async () => {
    let isThere = false
    const answer = await pollUntil(waiter, 30_000, async () => {
      const seen = isThere
      isThere = true
      // The worker finishes after the look and before the wait.
      notifications.ring('news')
      return seen ? 'there' : undefined
    })
    expect(answer).toBe('there')
  })

  it('polls once a second without notifications', async () => {
    let looks = 0
    const answer = await pollUntil(waiter, 30_000, async () => {
      looks += 1
      return looks === 2 ? 'there' : undefined
    })
    expect(answer).toBe('there')
  })

  it('ends without a result when its time is over, after a last look', async () => {
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

  it('rethrows the error of a look', async () => {
    const look = async () => {
      throw new Error('the database is away')
    }
    await expect(pollUntil(waiter, 1_000, look)).rejects.toThrow('the database is away')
  })
})

describe('A notification', () => {
  it('reaches every listening process, and many in a moment count as one', async () => {
    const [one, two] = [await open(), await open()]
    let received = 0
    const news = new Promise<void>(resolve => {
      two.on('news', () => {
        received += 1
        resolve()
      })
    })
    for (let count = 0; count < 100; count += 1) one.ring('news')
    await news
    expect(received).toBeLessThan(3)
    await Promise.all([one.close(), two.close()])
  })

  it('names the organizations that it concerns, if they are known and few', async () => {
    const [one, two] = [await open(), await open()]
    const [known, stranger] = [newId(), newId()]
    const many = Array.from({ length: 101 }, newId)
    const told = async (...concerned: (string | undefined)[]) => {
      const heard = new Promise<Concerned>(resolve => {
        const off = two.on('news', all => {
          off()
          resolve(all)
        })
      })
      for (const organizationId of concerned) one.ring('news', organizationId)
      return heard
    }
    expect(await told(known, stranger, known)).toEqual([known, stranger])
    expect(await told(...many.slice(1))).toEqual(many.slice(1))
    expect(await told(...many)).toBeNull()
    expect(await told(known, undefined, stranger)).toBeNull()
    expect(await told(`${known.slice(2)}'x`)).toBeNull()
    await Promise.all([one.close(), two.close()])
  })

  it('of one topic does not delay another’s, and the driver logs no complaint', async () => {
    const warnings: string[] = []
    const warn = (warning: Error) => warnings.push(warning.message)
    process.on('warning', warn)
    const [one, two] = [await open(), await open()]
    const received = (['news', 'work'] as const).map(
      topic => new Promise<void>(resolve => two.on(topic, () => resolve())),
    )
    for (const topic of ['news', 'work'] as const) one.ring(topic)
    await Promise.all(received)
    await Promise.all([one.close(), two.close()])
    process.off('warning', warn)
    expect(warnings).toEqual([])
  })

  it('is received again after the connection was broken', async () => {
    const one = await open()
    const mended = new Promise<void>(resolve => one.on('work', () => resolve()))
    await query(
      database.url,
      "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen mooring_work%' and datname = current_database()",
    )
    // A listener that reconnects looks once, since notifications in between are not repeated.
    await mended
    await one.close()
  })
})
