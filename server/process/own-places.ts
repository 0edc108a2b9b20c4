/**
 * The places of our own, according to this process's settings: the servers of `DATABASE_URL` and `MOORING_LISTEN_URL`,
 * and the ports that it listens on. Entries pass them to the worker, whose dials refuse them.
 */

import type { Config } from '#server/config.ts'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import type { OwnPlace } from '#server/domain/network/host-policy.ts'
import { HEALTH_PORTS } from './health.ts'

/**
 * The places. `isShared`: our own database is in an embedded server together with the sample, so only the database
 * itself is refused.
 */
export function ownPlaces(
  config: Pick<Config, 'port'> & Partial<Pick<Config, 'listenUrl' | 'healthPort'>>,
  at: { url: string; isShared: boolean },
): OwnPlace[] {
  // The number that port 0 will get is unknown in advance.
  const { healthPort = 'off' } = config
  const health = healthPort === 'off' ? [] : healthPort === null ? Object.values(HEALTH_PORTS) : [healthPort]
  const ports = [config.port, ...health].filter(port => port !== 0)
  const listening = ports.map(port => ({ host: 'localhost', port, database: null }))
  const around = config.listenUrl ?? null
  // Behind a pooler, the other URL names the server.
  const servers = [at.url, ...(around === null ? [] : [around])].flatMap(url => serversOf(url, at.isShared))
  return [...servers, ...listening]
}

/** Each host of a URL: any of them may be the current primary. */
function serversOf(url: string, isShared: boolean): OwnPlace[] {
  const { places, database } = parseDatabaseUrl(url)
  return places.map(({ host, port }) => ({
    // The server of a Unix socket is on this machine.
    host: host.startsWith('/') ? 'localhost' : host,
    port,
    database: isShared ? database : null,
  }))
}
