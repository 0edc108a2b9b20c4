/**
 * Writes of one organization that come while one is being committed go out together, and each is answered for itself.
 */
import { describe, expect, it } from 'vitest'
import { NoConnection, OutcomeUnknown } from '#server/store/connection/availability.ts'
import { JoinedWrites, MAX_JOINED } from '#server/store/database/joined-writes.ts'
import type { Db } from '#server/store/tables/tables.ts'

const ORG = 'one'
// The class passes it on without looking inside.
const DB = {} as Db

/** A statement that ends when a test ends it. */
interface Sent {
  readonly org: string
  readonly entries: readonly string[]
  end(): void
  fail(error: Error): void
}

function recorded() {
  const sent: Sent[] = []
  const writes = new JoinedWrites<string, string>((_, org, entries) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    sent.push({ org, entries, end: () => resolve(entries.map(one => one.toUpperCase())), fail: reject })
    return promise
  })
  return { sent, add: (entry: string, org = ORG) => writes.add(DB, org, entry) }
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))
/** As many as a written line needs to be sent and answered. */
async function turns(): Promise<void> {
  for (let n = 0; n < 4; n += 1) await turn()
}

const refusal = () => Object.assign(new Error('refused'), { code: '23503' })

describe('Writes of one organization', () => {
  it('that come while one is under way go out together after it, and each has its own outcome', async () => {
    const { sent, add } = recorded()
    const first = add('a')
    await turns()
    const others = [add('b'), add('c'), add('d')]
    await turns()
    expect(sent.map(({ entries }) => entries)).toEqual([['a']])
    sent[0]?.end()
    expect(await first).toBe('A')
    await turns()
    expect(sent.map(({ entries }) => entries)).toEqual([['a'], ['b', 'c', 'd']])
    sent[1]?.end()
    expect(await Promise.all(others)).toEqual(['B', 'C', 'D'])
  })

  it('are answered by nothing before the statement that they are part of has ended', async () => {
    const { sent, add } = recorded()
    let isAnswered = false
    const first = add('a').then(() => {
      isAnswered = true
    })
    await turns()
    expect(isAnswered).toBe(false)
    sent[0]?.end()
    await first
  })

  it('of which the server refuses one are written one by one, so that it alone fails', async () => {
    const { sent, add } = recorded()
    const all = Promise.allSettled([add('a'), add('b'), add('c')])
    await turns()
    sent[0]?.fail(refusal())
    for (let n = 1; n <= 3; n += 1) {
      await turns()
      if (n === 2) sent[n]?.fail(refusal())
      else sent[n]?.end()
    }
    expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(sent.map(({ entries }) => entries)).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']])
  })

  it.each([
    ['of which nobody knows whether they were done', new OutcomeUnknown(new Error('lost'))],
    ['that wait too long for a lock', Object.assign(new Error('lock timeout'), { code: '55P03' })],
    ['whose connection breaks', Object.assign(new Error('broken'), { code: 'ECONNRESET' })],
  ])('%s fail together and are not repeated', async (_, error) => {
    const { sent, add } = recorded()
    const all = Promise.allSettled([add('a'), add('b')])
    await turns()
    sent[0]?.fail(error)
    expect(await all).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ])
    await turns()
    expect(sent).toHaveLength(1)
    const next = add('c')
    await turns()
    sent[1]?.end()
    expect(await next).toBe('C')
  })

  it('that wait behind one whose database is away fail with it, unsent', async () => {
    const { sent, add } = recorded()
    const first = Promise.allSettled([add('a')])
    await turns()
    const others = Promise.allSettled([add('b'), add('c')])
    await turns()
    sent[0]?.fail(Object.assign(new Error('statement timeout'), { code: '57014' }))
    const failed = { status: 'rejected', reason: expect.any(NoConnection) }
    expect(await others).toEqual([failed, failed])
    expect(await first).toMatchObject([{ status: 'rejected', reason: { code: '57014' } }])
    expect(sent).toHaveLength(1)
  })

  it('are bounded in one statement', async () => {
    const { sent, add } = recorded()
    const all = Array.from({ length: MAX_JOINED + 1 }, (_, n) => add(`e${n}`))
    await turns()
    sent[0]?.end()
    await turns()
    sent[1]?.end()
    await Promise.all(all)
    expect(sent.map(({ entries }) => entries.length)).toEqual([MAX_JOINED, 1])
  })

  it('do not wait for those of another', async () => {
    const { sent, add } = recorded()
    const [, other] = [add('a'), add('b', 'two')]
    await turns()
    expect(sent.map(({ org }) => org)).toEqual([ORG, 'two'])
    sent[1]?.end()
    expect(await other).toBe('B')
    sent[0]?.end()
  })
})
