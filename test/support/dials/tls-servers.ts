/**
 * Real PostgreSQL servers, each with a certificate that is good or bad in one way, with roles for each method of login,
 * and sessions with them opened in this process.
 */

import { PROBE_LIMITS } from '#server/net/postgres/frame-gate.ts'
import type { Session } from '#server/net/postgres/session.ts'
import { withSession } from '#server/net/postgres/with-session.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import { startServer, type TestServer } from '#test/support/database/postgres.ts'
import { type Authority, createAuthority, selfSigned } from './certificates.ts'
import { LOOPBACK, localTarget } from './dialling.ts'

/** The password of every role but `ünï cødé`. */
export const TRUE_PASSWORD = 'Tr0ub4dor-and-3'

const HBA = `
host all trusting 127.0.0.1/32 trust
host all in_clear 127.0.0.1/32 password
host all as_md5 127.0.0.1/32 md5
hostssl all only_tls 127.0.0.1/32 scram-sha-256
hostnossl all only_tls 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
`
const ROLES = `
create role app login password '${TRUE_PASSWORD}';
create role only_tls login password '${TRUE_PASSWORD}';
create role in_clear login password '${TRUE_PASSWORD}';
create role trusting login password '${TRUE_PASSWORD}';
create role crowded login password '${TRUE_PASSWORD}' connection limit 0;
create role nologin_role password '${TRUE_PASSWORD}';
create role "ünï cødé" login password U&'\\00a0p\\00adass\\2460';
set password_encryption = 'md5';
create role as_md5 login password '${TRUE_PASSWORD}';
`

/** Our certificate for 127.0.0.1 and localhost, an expired one, one for another name, a self-signed one; no TLS. */
export type ServerName = 'good' | 'expired' | 'wrongName' | 'selfSigned' | 'plain'

/** The login, by default `app` with the password over unverified TLS. */
export interface LoginOptions extends Partial<Target> {
  readonly caCertificate?: string | null
  readonly deadlineMs?: number
}

/** The dependencies of a session beside its request. */
export const SURROUNDINGS = { policy: LOOPBACK, resolver: createResolver({ servers: [], timeoutMs: 2_000 }) }

/** Starts the named servers. */
export async function startTlsServers(names: readonly ServerName[]) {
  const authority = await createAuthority('An authority of the tests')
  const started = await Promise.all(names.map(async name => [name, await start(name, authority)] as const))
  // Sound: the caller named each server that a test uses.
  const servers = Object.fromEntries(started) as Record<ServerName, TestServer>
  /** Opens a session with one of the servers and runs a function in it. */
  function within<T>(at: ServerName, asked: LoginOptions, work: (session: Session) => Promise<T>) {
    const { caCertificate = null, deadlineMs = 30_000, ...target } = asked
    const wanted = localTarget(servers[at].port, { password: TRUE_PASSWORD, ...target })
    return withSession({ target: wanted, caCertificate, deadlineMs, limits: PROBE_LIMITS }, SURROUNDINGS, work)
  }
  return {
    authority,
    servers,
    within,
    /** The result of a login: `in`, or the code of a failure. */
    async login(at: ServerName, asked: LoginOptions = {}) {
      const { failure, tls, channelBound, passed } = await within(at, asked, async () => true)
      return { code: failure?.code ?? 'in', tls: tls !== null, verified: tls?.verified ?? false, channelBound, passed }
    },
    async stop() {
      await Promise.all(started.map(([, server]) => server.stop()))
    },
  }
}

async function start(name: ServerName, authority: Authority): Promise<TestServer> {
  const here = { names: ['localhost'], addresses: ['127.0.0.1'] }
  const pairs = {
    good: () => authority.issue(here),
    expired: () => authority.issue({ ...here, fromDays: -9, toDays: -2 }),
    wrongName: () => authority.issue({ names: ['elsewhere.example'], addresses: ['127.0.0.2'] }),
    selfSigned: () => selfSigned(here),
    plain: async () => false as const,
  }
  const server = await startServer({ tls: await pairs[name](), hba: HBA })
  await server.query(ROLES)
  return server
}

/** The result of `startTlsServers`. */
export type TlsServers = Awaited<ReturnType<typeof startTlsServers>>
