/**
 * The customers of the feed benchmark, in a process of their own: endpoints without events until they receive the start
 * signal, and then with all events at once. Answers are prepared in advance, so that they cost little of the measured
 * time.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { createAuthority } from '#test/support/dials/certificates.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'

const [eventsPerFeed = 0, page = 0, places = 1] = process.argv.slice(2).map(Number)

const eventAt = (n: number) => ({
  id: `evt_01938f5e-2c7a-7d3b-a1f0-${String(n).padStart(12, '0')}`,
  model: 'order',
  entityId: String(n % 977),
  type: 'UPDATE',
  organizationId: 'acme',
  occurredAt: 1_795_305_600_000 + n,
  data: { state: 'shipped', total: n * 1.25, items: [n, n + 1], note: 'left with the neighbour at number seven' },
})

const answers = new Map<number, Buffer>()
for (let from = 0; from < eventsPerFeed; from += page) {
  const end = Math.min(eventsPerFeed, from + page)
  const events = Array.from({ length: end - from }, (_, at) => eventAt(from + at))
  answers.set(from, Buffer.from(JSON.stringify({ events, nextCursor: String(end) })))
}
const empty = Buffer.from('{"events":[]}')

let hasBegun = false
const authority = await createAuthority('Bench CA')
const certificate = await authority.issue({ addresses: ['127.0.0.1'] })
const answer = async (request: IncomingMessage, response: ServerResponse) => {
  let body = ''
  for await (const chunk of request) body += chunk
  const cursor: unknown = JSON.parse(body).cursor
  response.end(hasBegun ? (answers.get(Number(cursor ?? 0)) ?? empty) : empty)
}
process.on('message', () => {
  hasBegun = true
})
process.on('disconnect', () => process.exit())

/** Several addresses, since a host with endpoints that are not active yet is dialled only so many times a minute. */
const listeners = Array.from({ length: places }, () => createServer(certificate, answer).listen(0, '127.0.0.1'))
await Promise.all(listeners.map(listener => once(listener, 'listening')))
process.send?.({ ports: listeners.map(portOf), ca: authority.cert })
