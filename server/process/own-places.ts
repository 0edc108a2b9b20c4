/**
 * Which places are our own, by what this process was told: the servers of `DATABASE_URL` and `MOORING_LISTEN_URL`, and the
 * ports that it listens on. Entries hand them to the worker, whose dials refuse them.
 */

import type { Config } from '#server/config.ts'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import type { OwnPlace } from '#server/domain/network/host-policy.ts'
import { HEALTH_PORTS } from './health.ts'

/**
 * The places. `isShared`: the server of our own database is an embedded one that holds the sample beside it, so that of it
 * only our own database is refused.
 */
export function ownPlaces(
  config: Pick<Config, 'port'> & Partial<Pick<Config, 'listenUrl' | 'healthPort'>>,
  at: { url: string; isShared: boolean },
): OwnPlace[] {
  // Of port 0 nobody knows beforehand which it becomes.
  const { healthPort = 'off' } = config
  const health = healthPort === 'off' ? [] : healthPort === null ? Object.values(HEALTH_PORTS) : [healthPort]
  const ports = [config.port, ...health].filter(port => port !== 0)
  const listening = ports.map(port => ({ host: 'localhost', port, database: null }))
  const around = config.listenUrl ?? null
  // Behind a pooler, the server is the one of the other URL.
  const servers = [at.url, ...(around === null ? [] : [around])].flatMap(url => serversOf(url, at.isShared))
  return [...servers, ...listening]
}

/** Each host of a URL: any of them may be the one that writes now. */
function serversOf(url: string, isShared: boolean): OwnPlace[] {
  const { places, database } = parseDatabaseUrl(url)
  return places.map(({ host, port }) => ({
    // Behind a socket the server is on this machine.
    host: host.startsWith('/') ? 'localhost' : host,
    port,
    database: isShared ? database : null,
  }))
}
