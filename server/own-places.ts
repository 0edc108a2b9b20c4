/**
 * Which places are our own, by what this process was told: the server of `DATABASE_URL`, and the port that the web tier
 * listens on. Entries hand them to the worker, whose dials refuse them.
 */
import type { OwnPlace } from '#server/domain/host-policy.ts'
import type { Config } from './config.ts'

const DEFAULT_PORT = 5432

/**
 * The places. `isShared`: the server of our own database is an embedded one that holds the sample beside it, so that of it
 * only our own database is refused.
 */
export function ownPlaces(config: Pick<Config, 'port'>, at: { url: string; isShared: boolean }): OwnPlace[] {
  const listening = config.port === 0 ? [] : [{ host: 'localhost', port: config.port, database: null }]
  return [serverOf(at), ...listening]
}

function serverOf({ url, isShared }: { url: string; isShared: boolean }): OwnPlace {
  // A login without a host makes no URL, and the driver takes it all the same.
  const { searchParams, hostname, port, pathname } = new URL(URL.canParse(url) ? url : url.replace('@/', '@localhost/'))
  const host = (searchParams.get('host') || hostname).replace(/^\[(.*)\]$/, '$1')
  const database = decodeURIComponent(pathname.slice(1))
  return {
    // Behind a socket the server is on this machine.
    host: host === '' || host.startsWith('/') ? 'localhost' : host,
    port: Number(searchParams.get('port') || port) || DEFAULT_PORT,
    database: isShared ? database : null,
  }
}
