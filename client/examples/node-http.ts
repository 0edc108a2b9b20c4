/**
 * The smallest endpoint: `node:http`, with one change per second from memory. It runs unchanged, on any port: `node
 * client/examples/node-http.ts 8787`. It generates a signing key and prints it for the registration.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createListener } from '#client/endpoint.ts'

const [port = '8787'] = process.argv.slice(2)
const signingKey = `sk_example_${randomBytes(24).toString('base64url')}`
const startedAt = Date.now()

/** Returns a page of the changes so far. Change n happened n seconds after the start. */
async function changes({ cursor, limit }: { cursor: string | null; limit: number }) {
  const from = Number(cursor ?? 0)
  const end = Math.min(from + limit, Math.floor((Date.now() - startedAt) / 1_000) + 1)
  const events = Array.from({ length: Math.max(0, end - from) }, (_, at) => ({
    id: `${startedAt}-${from + at}`,
    model: 'tick',
    entityId: 'clock',
    type: 'UPDATE' as const,
    data: { seconds: from + at },
    occurredAt: startedAt + (from + at) * 1_000,
  }))
  return events.length === 0 ? { events } : { events, nextCursor: String(end) }
}

const server = createServer(createListener({ signingKey, events: changes }))
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ listening: server.address(), signingKey })}\n`)
})
