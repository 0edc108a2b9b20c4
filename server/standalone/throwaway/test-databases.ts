/**
 * Connection strings with one defect each, for tests of code that registers them: docs/testing.md lists Mooring's
 * finding for each. None is simulated: behind each is a real server, or nothing. Called by `throwaway.ts`.
 */
import type { StrangePorts } from './strange-servers.ts'
import type { TestRole } from './test-roles.ts'

/** A port on which nobody listens, on any machine. */
const CLOSED_PORT = 1
/** Refused logins are counted by address: at this one they do not hold back a good string of the same organization. */
const ELSEWHERE = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1'

/** The addresses that the embedded server must listen on. */
export const TEST_ADDRESSES = [...new Set(['127.0.0.1', ELSEWHERE])].join(',')

/** The strings, by their defect. Secret, since one opens the installation's own server. */
export function testDatabases(demoDatabase: string, ports: StrangePorts): Readonly<Record<string, string>> {
  const having = (change: (url: URL) => unknown): string => {
    const url = new URL(demoDatabase)
    change(url)
    return url.href
  }
  const as = (role: TestRole, host = '127.0.0.1') =>
    having(url => Object.assign(url, { username: role, hostname: host }))
  const at = (port: number) => having(url => Object.assign(url, { port }))
  const named = (database: string) => having(url => Object.assign(url, { pathname: `/${database}` }))
  return {
    superuser: as('sample_superuser'),
    memberOfSuperuser: as('sample_superusers'),
    bypassRls: as('sample_bypassrls'),
    replication: as('sample_replication'),
    serverPrograms: as('sample_programs'),
    wrongPassword: having(url => Object.assign(url, { hostname: ELSEWHERE, password: 'not-the-password' })),
    expiredRole: as('sample_expired', ELSEWHERE),
    noLogin: as('sample_nologin', ELSEWHERE),
    rejectedAddress: as('sample_rejected', ELSEWHERE),
    trusted: as('sample_trusted'),
    clearPassword: as('sample_clear'),
    untrustedCertificate: having(url => url.searchParams.set('sslmode', 'verify-full')),
    withoutTls: at(ports.withoutTls),
    missingDatabase: named('nothing_of_that_name'),
    closedDatabase: named('template1'),
    connectionLimit: as('sample_limited'),
    unreachable: at(CLOSED_PORT),
    silent: at(ports.silent),
    webServer: at(ports.webServer),
    standby: at(ports.standby),
    forbiddenHost: having(url => Object.assign(url, { hostname: '10.1.2.3' })),
  }
}
