/**
 * Places where nothing answers, or something that is no database. Which place it should be, a person has to find out.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Misconfiguration } from '#test/fixes/misconfiguration.ts'
import type { Place } from '#test/fixes/place.ts'

/** Nobody listens there, on any machine. */
const CLOSED = 1

/** Answers whatever comes as a web server would. */
async function webServer({ cleanup }: Place): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.defer(() => void server.close())
  // Sound: it listens on a port.
  return (server.address() as AddressInfo).port
}

/** All of them. */
export const NETWORKS: readonly Misconfiguration[] = [
  {
    title: 'Nothing listens on the port',
    attempt: () => ({ port: CLOSED }),
    says: {
      ...{ reason: 'database_unreachable', item: 'connect', cause: 'the connection was refused' },
      fix: ['open it for 127.0.0.1'],
    },
    stays: 'which port or firewall it is, the fix cannot know',
  },
  {
    title: 'A web server listens on the port',
    attempt: async place => ({ port: await webServer(place) }),
    says: { reason: 'server_misbehaved', item: 'connect', cause: 'something that does not speak PostgreSQL' },
    stays: 'which port it is, the fix cannot know',
  },
]
