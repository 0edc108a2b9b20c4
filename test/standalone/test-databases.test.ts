/**
 * `mooring/testing` returns connection strings that each have
 * one problem, and Mooring really finds that problem.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClient, faultOf } from '#client/index.ts'
import { startMooring, type TestDatabases, type TestMooring } from '#server/testing.ts'

let mooring: TestMooring
beforeAll(async () => {
  mooring = await startMooring()
})
afterAll(() => mooring.stop())

const refusedRole = (item: string) => ['rejected', 'byo_role_cannot_enforce_rls', item]
const login = (item = 'authenticate') => ['rejected', 'authentication_failed', item]
const unsafe = ['rejected', 'authentication_unsafe', 'authenticate']
const away = (item: string) => ['unverified', 'database_unreachable', item]

/** Status, reason and the first failed line of the checklist. */
const EXPECTED: Readonly<Record<keyof TestDatabases, readonly string[]>> = {
  superuser: refusedRole('role_superuser'),
  memberOfSuperuser: refusedRole('role_membership'),
  bypassRls: refusedRole('role_bypassrls'),
  replication: refusedRole('role_replication'),
  serverPrograms: refusedRole('role_server_files'),
  wrongPassword: login(),
  expiredRole: login(),
  noLogin: login('database'),
  rejectedAddress: login(),
  trusted: unsafe,
  clearPassword: unsafe,
  untrustedCertificate: ['rejected', 'tls_failed', 'tls'],
  withoutTls: ['rejected', 'tls_failed', 'tls'],
  missingDatabase: ['rejected', 'database_not_found', 'database'],
  closedDatabase: ['rejected', 'database_not_found', 'database'],
  connectionLimit: away('database'),
  unreachable: away('connect'),
  silent: away('tls'),
  webServer: ['rejected', 'server_misbehaved', 'connect'],
  standby: ['active', 'none', 'none', 'standby'],
  forbiddenHost: ['not registered', 'byo_host_not_allowed', 'none'],
}

async function verdictOf(connectionString: string) {
  const { testKey } = await mooring.newOrganization()
  const client = createClient({ url: mooring.url, key: testKey, retries: 0 })
  try {
    const made = await client.datasources.register.mutate({ connectionString, waitSeconds: 25 })
    const failed = made.checks.find(({ outcome }) => outcome === 'fail')
    return {
      verdict: [
        made.status,
        made.statusReason ?? 'none',
        failed?.item ?? 'none',
        ...made.advisories.map(({ item }) => item),
      ],
      made,
    }
  } catch (error) {
    return { verdict: ['not registered', faultOf(error), 'none'], made: null }
  }
}

it('The sample is active', async () => {
  expect((await verdictOf(mooring.sample)).made).toMatchObject({ status: 'active' })
})

it('Each has a verdict here', () => {
  expect(Object.keys(mooring.databases).sort()).toEqual(Object.keys(EXPECTED).sort())
})

it.each(Object.entries(EXPECTED))('%s', async (name, expected) => {
  const { verdict, made } = await verdictOf(Reflect.get(mooring.databases, name))
  expect({ verdict, made }).toEqual({ verdict: expected, made })
})
