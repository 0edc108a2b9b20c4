/**
 * R9: a server that speaks PostgreSQL's protocol but is another product, or too old, is reported as such; its role is
 * never blamed. Each is a fake that accepts the login as that product does and knows none of our statements.
 */
import { describe, expect, it } from 'vitest'
import { verifyProbe } from '#server/domain/checks/verification.ts'
import { probeDatabase } from '#server/net/postgres/probe.ts'
import { localTarget } from '#test/support/dials/dialling.ts'
import { failure, frame, LOGIN_OK, READY, startHostile } from '#test/support/dials/hostile-postgres.ts'
import { challenge } from '#test/support/dials/hostile-scripts.ts'
import { SURROUNDINGS } from '#test/support/dials/tls-servers.ts'

const PRODUCTS: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ['CockroachDB', { server_version: '13.0.0', crdb_version: 'CockroachDB CCL v24.1.0' }, 'CockroachDB'],
  ['Redshift', { server_version: '8.0.2', padb_version: '1.0.76913' }, 'Amazon Redshift'],
  ['Redshift that reports its version alone', { server_version: '8.0.2' }, 'Amazon Redshift'],
  ['Greenplum 6', { server_version: '9.4.26' }, 'Greenplum 6'],
  ['PostgreSQL 9.6.24', { server_version: '9.6.24' }, 'PostgreSQL 9.6.24'],
  ['PostgreSQL 12.22', { server_version: '12.22 (Debian 12.22-1.pgdg120+1)' }, 'PostgreSQL 12.22'],
  ['YugabyteDB', { server_version: '11.2-YB-2.20.1.0-b0' }, 'YugabyteDB'],
  ['YugabyteDB of today', { server_version: '15.12-YB-2025.1.0.0-b0' }, 'YugabyteDB'],
  ['RisingWave', { server_version: '13.14.0 (RisingWave 2.1)' }, 'RisingWave'],
  ['CedarDB', { server_version: '16.3 compatible CedarDB v2025-01-01' }, 'CedarDB'],
  ['openGauss', { server_version: '9.2.4 (openGauss 6.0.0)' }, 'openGauss'],
  ['Greenplum 7', { server_version: '12.12', gp_session_role: 'dispatch' }, 'Greenplum'],
  ['QuestDB', { server_version: '12.3', questdb_version: '8.1' }, 'QuestDB'],
]
/** Those that report nothing of it: what they answer to our first statement tells. */
const STATEMENTS = ['42704', '42883', '42601', '0A000', '42P01', '42703', '42000', '42725', '42804', '42846']

async function judged(parameters: Readonly<Record<string, string>>, sqlstate = '42883') {
  const statuses = Object.entries(parameters).map(([name, value]) => frame('S', `${name}\0`, `${value}\0`))
  const login = challenge(final => [frame('R', 12, final), LOGIN_OK, ...statuses, READY])
  const server = await startHostile(async peer => {
    await login(peer)
    await peer.message()
    peer.send(failure({ S: 'ERROR', C: sqlstate, M: 'unrecognized in these words of a stranger' }), READY)
  })
  const target = localTarget(server.port, { database: 'shop', tlsMode: 'disable' })
  const dial = { target, caCertificate: null, schema: null, deadlineMs: 20_000 }
  const probe = await probeDatabase(dial, SURROUNDINGS).finally(() => server.stop())
  return verifyProbe(probe, { schema: null, rolePolicy: 'enforce', dbType: 'postgresql', target })
}

describe('A server that is not a supported PostgreSQL', () => {
  it.each(PRODUCTS)('%s is identified', async (_, parameters, name) => {
    const { checks, reason, retryable } = await judged(parameters)
    const line = checks.find(({ outcome }) => outcome === 'fail')
    expect({ reason, retryable, item: line?.item }).toEqual({
      reason: 'server_unsupported',
      retryable: false,
      item: 'server_version',
    })
    expect(line?.actual).toContain(name)
    expect(JSON.stringify(checks)).not.toContain('stranger')
  })

  it.each(STATEMENTS)('is recognised by %s in our first statement', async sqlstate => {
    const { reason, checks } = await judged({ server_version: '16.0' }, sqlstate)
    expect(reason).toBe('server_unsupported')
    expect(JSON.stringify(checks)).not.toContain('stranger')
  })
})
