/**
 * Places where nothing answers, or something that is no database, or no primary. Which place it should be, a person has to find out.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Misconfiguration } from '#test/fixes/misconfiguration.ts'
import type { Place } from '#test/fixes/place.ts'
import { startStandby } from '#test/support/database/standby.ts'

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

/** A standby of the place's server: a real one, which streams from it. */
async function standbyOf({ server, cleanup }: Place, isHot: boolean): Promise<number> {
  const standby = await startStandby(server, { isHot })
  cleanup.defer(() => standby.stop())
  return standby.port
}

const primary = ({ server }: Place) => ({ primaryPort: server.port })

/** All of them. */
export const NETWORKS: readonly Misconfiguration[] = [
  {
    title: 'The string leads to a hot standby',
    attempt: async place => ({ port: await standbyOf(place, true) }),
    says: { reason: 'active', item: 'standby', cause: 'The server is a standby' },
    owner: primary,
  },
  {
    title: 'The string leads to a standby that takes no connections',
    attempt: async place => ({ port: await standbyOf(place, false) }),
    says: {
      ...{ reason: 'database_unreachable', item: 'database', cause: 'a standby that takes no connections' },
      fix: ['hot_standby = on'],
    },
    owner: primary,
  },
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
