/** First tries: a dial without an answer is cut off after a short while, and every other dial is not. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { FIRST_TRY_MS, firstTries, Hung } from '#server/work/checks/first-try.ts'
import { localTarget, testDialler } from '#test/support/dials/dialling.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'

const dialler = testDialler({ children: 4 })
const tries = firstTries(dialler)
const sockets: Socket[] = []
let silent: Server
beforeAll(async () => {
  silent = createServer(socket => void sockets.push(socket.on('error', () => socket.destroy()))).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  await dialler.ready()
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  silent.close()
  await dialler.close()
})

const dial = (port: number, deadlineMs: number) => ({ target: localTarget(port), caCertificate: null, deadlineMs })
const catalog = { schemas: null, excludedSchemas: [] }

describe('A first try', () => {
  it('of a dial or of reading a catalog is cut off when a server stays silent', async () => {
    const cut = [
      tries.probe({ ...dial(portOf(silent), 60_000), schema: null }),
      tries.describe({ ...dial(portOf(silent), 60_000), catalog }),
    ]
    for (const end of await Promise.allSettled(cut)) {
      expect(end).toMatchObject({ status: 'rejected', reason: { end: { failure: { code: 'connection_timeout' } } } })
      expect(end.status === 'rejected' && end.reason).toBeInstanceOf(Hung)
    }
  })

  it('does not exist when the whole dial has no more time: its end is final', async () => {
    const request = { ...dial(portOf(silent), FIRST_TRY_MS.dial / 4), schema: null }
    expect(await tries.probe(request)).toMatchObject({ failure: { code: 'connection_timeout' } })
  })

  it('that a server ends at once is final like any dial, passed or failed', async () => {
    const { port, username, password } = new URL(inject('adminUrl'))
    const target = localTarget(Number(port), {
      user: username,
      password: decodeURIComponent(password),
      database: 'postgres',
    })
    const request = { ...dial(Number(port), 60_000), schema: null }
    expect(await tries.probe({ ...request, target })).toMatchObject({ failure: null })
    const refused = { ...target, password: 'another' }
    expect(await tries.probe({ ...request, target: refused })).toMatchObject({ failure: { code: 'password_refused' } })
  })
})
