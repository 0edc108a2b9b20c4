/** The texts of a feed: bounded in depth before they are built, and stored exactly as they were written. */
import { describe, expect, it } from 'vitest'
import { parseExactly } from '#server/domain/feeds/exact-json.ts'
import { eventsRequest, MAX_JSON_DEPTH, parseFeedPage, readPush } from '#server/domain/feeds/feed-page.ts'
import { feedSettings } from '#server/domain/feeds/feed-settings.ts'
import { elementTexts, isDeeperThan } from '#server/domain/feeds/json-text.ts'

describe('A number that JavaScript cannot hold', () => {
  it.each([
    '{"n":12345678901234567890123}',
    '{"n":0.1234567890123456789}',
    '{"n":1e400}',
    '[1E5,2]',
    '{"n":1.0000000000000000}',
    '{"n":9007199254740993,"m":1}',
  ])('is written again as it was read: %s', text => {
    expect(JSON.stringify(parseExactly(text))).toBe(text)
  })

  it('differs from those that it holds, and from digits in a string', () => {
    const text = '{"n":1,"s":"12345678901234567890","f":1.5,"z":null,"b":true,"l":[1234567890123456]}'
    expect(parseExactly(text)).toEqual(JSON.parse(text))
    expect(parseExactly('{"n":5}')).toEqual({ n: 5 })
    expect(() => parseExactly('{')).toThrow(SyntaxError)
  })
})

describe('The depth of a text', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  it('is counted over arrays and objects together', () => {
    expect([isDeeperThan(nested(4), 4), isDeeperThan(nested(5), 4)]).toEqual([false, true])
    expect([isDeeperThan('{"a":[{"b":[]}]}', 4), isDeeperThan('{"a":[{"b":[]}]}', 3)]).toEqual([false, true])
    expect([isDeeperThan('1', 0), isDeeperThan('{}', 0), isDeeperThan('', 0)]).toEqual([false, true, false])
  })

  it('goes down again where something closes', () => {
    expect(isDeeperThan('[[],[],[],{},{},{}]', 2)).toBe(false)
    expect(isDeeperThan('{"a":{},"b":{},"c":[]}', 2)).toBe(false)
  })

  it('has nothing of brackets in strings, whatever is escaped there', () => {
    expect(isDeeperThan('["[[[[", "{{{"]', 1)).toBe(false)
    expect(isDeeperThan('["\\"[[[["]', 1)).toBe(false)
    expect(isDeeperThan('["\\\\",[[]]]', 2)).toBe(true)
    expect(isDeeperThan('["open [[[[', 1)).toBe(false)
  })
})

describe('The elements under a key', () => {
  const texts = (text: string, depth = 10) => elementTexts(text, 'events', depth)
  it('are their texts as they were written', () => {
    expect(texts('{"events":[ {"n": 1e400} , [1,2], "a,b" ,3]}')).toEqual(['{"n": 1e400}', '[1,2]', '"a,b"', '3'])
    expect(texts('{"events":[]}')).toEqual([])
    expect(texts('{"events" \n\t:[1]}')).toEqual(['1'])
  })

  it('are those of that key alone, of the last one where it occurs twice, however it is spelled', () => {
    expect(texts('{"other":[1,2],"events":[3],"more":[4]}')).toEqual(['3'])
    expect(texts('{"events":[1,2],"events":[3]}')).toEqual(['3'])
    expect(texts('{"\\u0065vents":[3]}')).toEqual(['3'])
    expect(texts('{"\\u0065vent":[3]}')).toEqual([])
    expect(texts('{"\\x":[3]}')).toEqual([])
    expect(texts('{"a":"events","b":[1]}')).toEqual([])
    expect(texts('[1,2]')).toEqual([])
  })

  it('are none where the whole is too deep', () => {
    expect(texts('{"events":[[1]]}', 3)).toEqual(['[1]'])
    expect(texts('{"events":[[1]]}', 2)).toBeNull()
  })
})

describe('A page', () => {
  const event = (id: string, more = '') => `{"id":"${id}","model":"order","entityId":"7","type":"UPDATE"${more}}`
  it('has each event once, as it was written, with the time that the customer gave', () => {
    const [one, two] = [event('a', ',"occurredAt":1795305600000, "n":1e400'), event('b')]
    expect(parseFeedPage(`{"events":[${one}, ${two}, ${event('a')}],"nextCursor":"c1"}`)).toEqual({
      events: [
        { id: 'a', occurredAtMs: 1_795_305_600_000, json: one },
        { id: 'b', occurredAtMs: null, json: two },
      ],
      nextCursor: 'c1',
    })
  })

  it('without a cursor, or with an empty one, moves none', () => {
    expect(parseFeedPage('{"events":[]}')).toEqual({ events: [], nextCursor: null })
    expect(parseFeedPage('{"events":[],"nextCursor":""}')).toEqual({ events: [], nextCursor: null })
  })

  it('is taken whole or not at all', () => {
    for (const body of [
      '',
      '{',
      'null',
      '[]',
      '{}',
      '{"events":{}}',
      `{"events":[${event('a')},{}]}`,
      '{"events":[],"nextCursor":7}',
      `{"events":[${event('a', `,"deep":${'['.repeat(MAX_JSON_DEPTH)}${']'.repeat(MAX_JSON_DEPTH)}`)}]}`,
    ])
      expect(parseFeedPage(body), body.slice(0, 60)).toBeNull()
  })

  it('is read from a push alike', () => {
    expect(readPush(`{"events":[${event('a')}]}`)).toEqual([{ id: 'a', occurredAtMs: null, json: event('a') }])
    expect(readPush('{"events":7}')).toBeNull()
    expect(readPush('{')).toBeNull()
  })

  it('is asked for with a cursor where there is one, and for one event at least', () => {
    expect(eventsRequest(null, 100)).toBe('{"type":"events","limit":100}')
    expect(eventsRequest('c1', 0)).toBe('{"type":"events","cursor":"c1","limit":1}')
  })
})

describe('The settings of feeds', () => {
  it('are asked for within bounds, and are milliseconds', () => {
    const asked: object[] = []
    const read = {
      integer(ask: { fallback: number }) {
        asked.push(ask)
        return ask.fallback
      },
      text: (variable: string) => variable,
    }
    expect(feedSettings(read)).toEqual({
      extraCaFile: 'MOORING_EXTRA_CA',
      retentionMs: 2_592_000_000,
      rotationWindowMs: 86_400_000,
    })
    expect(asked).toEqual([
      { variable: 'MOORING_EVENT_RETENTION_SECONDS', fallback: 2_592_000, min: 60, max: 315_360_000 },
      { variable: 'MOORING_ROTATION_WINDOW_SECONDS', fallback: 86_400, min: 1, max: 2_592_000 },
    ])
  })
})
