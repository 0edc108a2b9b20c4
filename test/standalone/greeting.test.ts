/**
 * The output of `npm start` at the end of every start: where to
 * read on, how to create another key, and how to stop.
 */
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { firstGreeting, laterGreeting } from '#server/standalone/greeting.ts'

const place = (port: number) => ({
  config: {
    host: '127.0.0.1',
    localDir: resolve('.data'),
    keyring: resolve('.data/keyring'),
    keyringCommand: null,
    openNetworksByDefault: true,
    publicUrl: `http://localhost:${port}`,
  },
  port,
  demoDatabase: 'postgresql://sample_reader:pw@127.0.0.1:20000/chandlery',
  consoleCode: null,
})

const ending = (url: string, register: string) => `The documents:
  ${url}/docs
To create another key:
  npm run -s mooring -- keys create --mode test
To register your own database, with that key in MOORING_API_KEY:
  ${register}
To stop: Ctrl-C, or kill ${process.pid}. .data keeps everything for the next start.

`

describe('Every start', () => {
  const keys = { testKey: 'sk_test_a', liveKey: 'sk_live_b' }
  it.each([
    ['the first', firstGreeting(place(3000), keys), laterGreeting(place(3000), false)],
    ['one that owes keys', laterGreeting(place(3000), true), laterGreeting(place(3000), false)],
  ])('ends with the next step: %s', (_, ...texts) => {
    const wanted = ending('http://localhost:3000', 'npm run -s mooring -- register')
    for (const text of texts) expect(text.endsWith(`\n${wanted}`)).toBe(true)
  })

  it('names its port if that is not the default', () => {
    const wanted = ending('http://localhost:4000', 'MOORING_URL=http://localhost:4000 npm run -s mooring -- register')
    expect(laterGreeting(place(4000), false).endsWith(wanted)).toBe(true)
  })
})
