/**
 * Addresses where nothing answers, or a server that is not a database or not a primary. A person has to find out the
 * right address.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Misconfiguration } from '#test/fixes/misconfiguration.ts'
import type { Place } from '#test/fixes/place.ts'
import { startStandby } from '#test/support/database/standby.ts'

/** A port on which nothing listens, on any machine. */
const CLOSED = 1

/** Answers every request as a web server would. */
async function webServer({ cleanup }: Place): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.defer(() => void server.close())
  // Sound: the server listens on a port.
  return (server.address() as AddressInfo).port
}

/** Starts a real standby that streams from the place's server. */
async function standbyOf({ server, cleanup }: Place, isHot: boolean): Promise<number> {
  const standby = await startStandby(server, { isHot })
  cleanup.defer(() => standby.stop())
  return standby.port
}

const primary = ({ server }: Place) => ({ primaryPort: server.port })

/** The misconfigurations of this group. */
export const NETWORKS: readonly Misconfiguration[] = [
  {
    title: 'The string leads to a hot standby',
    attempt: async place => ({ port: await standbyOf(place, true) }),
    says: { reason: 'active', item: 'standby', cause: 'The server is a standby' },
    owner: primary,
  },
  {
    title: 'The string leads to a standby that does not accept connections',
    attempt: async place => ({ port: await standbyOf(place, false) }),
    says: {
      ...{ reason: 'database_unreachable', item: 'database', cause: 'a standby that does not accept connections' },
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
    stays: 'the fix cannot know the port or the firewall',
  },
  {
    title: 'A web server listens on the port',
    attempt: async place => ({ port: await webServer(place) }),
    says: {
      reason: 'server_misbehaved',
      item: 'connect',
      cause: 'a server that does not speak the PostgreSQL protocol',
    },
    stays: 'the fix cannot know the port',
  },
]
