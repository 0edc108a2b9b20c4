/** Look-ups that are shared by requests of one turn of the event loop. */
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { SameTurn } from '#server/api/caller/same-turn.ts'

describe('A look-up', () => {
  it('is made once for all callers of a turn, after the last of them', async () => {
    const turn = new SameTurn<number>()
    let [row, looks] = [1, 0]
    const look = async () => {
      looks += 1
      return row
    }
    const asked = [turn.ask('key', look), turn.ask('key', look)]
    row = 2
    expect(await Promise.all([...asked, turn.ask('other', look)])).toEqual([2, 2, 2])
    expect(looks).toBe(2)
  })

  it('is not shared with callers that arrive while it runs: they get one of their own', async () => {
    const turn = new SameTurn<number>()
    const { promise, resolve } = Promise.withResolvers<number>()
    const first = turn.ask('key', () => promise)
    await setImmediate()
    const second = turn.ask('key', async () => 2)
    resolve(1)
    expect(await Promise.all([first, second])).toEqual([1, 2])
  })

  it('that fails does so for the callers that share it, and for no later one', async () => {
    const turn = new SameTurn<number>()
    const failing = () => Promise.reject(new Error('away'))
    const both = await Promise.allSettled([turn.ask('key', failing), turn.ask('key', failing)])
    expect(both.map(one => one.status)).toEqual(['rejected', 'rejected'])
    expect(await turn.ask('key', async () => 3)).toBe(3)
  })
})
