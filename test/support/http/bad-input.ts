/**
 * The base of every test of bad input: a Mooring without a worker, a datasource of our own and a stranger's, keys in
 * every bad state, and a check that a refusal leaves nothing behind and reveals nothing.
 */
import pg from 'pg'
import { expect } from 'vitest'
import { makeKey, mistyped } from '#test/support/access/keys.ts'
import { difference, effectsOver } from '#test/support/database/rows.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { bareUuid } from './surfaces.ts'

/** Part of every body that could reveal it; no answer may hold it. */
export const SECRET = 'Tell-N0-one'

/** A valid connection string, for a host that nobody here dials. */
export const GOOD_URL = `postgresql://app:${SECRET}@db.acme.io/shop`

/** Strings that are not valid PostgreSQL URIs, and one word of the reason. */
export const BAD_URLS: readonly (readonly [string, RegExp])[] = [
  [`mysql://app:${SECRET}@db.acme.io/shop`, /postgres/],
  [`postgresql://app@db.acme.io/${SECRET}`, /password/],
  [`postgresql://app:${SECRET}@/shop`, /host/],
  [`postgresql://app:${SECRET}@db.acme.io`, /database/],
  [`postgresql://app:${SECRET}@db.acme.io:99999/shop`, /port/],
  [`postgresql://app:${SECRET}@db.acme.io/shop?host=/var/run/${SECRET}`, /host/],
  [`postgresql://app:${SECRET}@db.acme.io/shop?sslkey=/etc/${SECRET}`, /sslkey/],
  [`postgresql://app:${SECRET}@db.acme.io/shop?options=-c%20role%3D${SECRET}`, /options/],
  [`postgresql://app:${SECRET}%zz@db.acme.io/shop`, /password/],
  [`postgresql://app:${SECRET}@db.acme.io/shop?sslmode=disable`, /sslmode/],
]

type Call = Mooring['call']

/** The context of a file of bad input. */
export interface BadInputFixture {
  readonly mooring: Mooring
  /** UUIDs of datasources: of the calling organization, of another one, and an unknown one. */
  readonly own: string
  readonly foreign: string
  readonly unknown: string
  /** Keys that authenticate nobody, by their defect. */
  readonly badKeys: Readonly<Record<'mistyped' | 'foreign' | 'revoked' | 'expired', string>>
  /**
   * Sends a call that must be refused: fails when the answer reveals the secret or a row was added, deleted or changed.
   */
  refused(...call: Parameters<Call>): ReturnType<Call>
}

/** Builds the context. The test stops the Mooring. */
export async function makeBadInputFixture(): Promise<BadInputFixture> {
  const mooring = await startMooring({ worker: false, env: { MOORING_ALLOWED_NETWORKS: '' } })
  const other = await mooring.newOrganization('Other')
  const yesterday = new Date(Date.now() - 86_400_000)
  const register = async (key: string) =>
    bareUuid((await mooring.client(key).datasources.register.mutate({ connectionString: GOOD_URL })).id)
  const client = new pg.Client({ connectionString: mooring.databaseUrl })
  // It ends when its database is dropped.
  client.on('error', () => undefined)
  await client.connect()
  return {
    mooring,
    own: await register(mooring.organization.testKey),
    foreign: await register(other.testKey),
    unknown: '0190a000-0000-7000-8000-000000000000',
    badKeys: {
      mistyped: mistyped(mooring.organization.testKey),
      foreign: `sk_test_${'0'.repeat(36)}`,
      revoked: await makeKey(mooring, { revokedAt: yesterday }),
      expired: await makeKey(mooring, { expiresAt: yesterday }),
    },
    async refused(...request) {
      const before = await effectsOver(client)
      const answer = await mooring.call(...request)
      expect(answer.status, answer.text).toBeGreaterThanOrEqual(400)
      expect(answer.status, answer.text).toBeLessThan(500)
      expect(answer.text).not.toContain(SECRET)
      expect(difference(before, await effectsOver(client))).toEqual([])
      return answer
    },
  }
}

/** A body of more than 64 KiB. */
export const TOO_LARGE = JSON.stringify({ name: 'x'.repeat(65_536), secret: SECRET })
