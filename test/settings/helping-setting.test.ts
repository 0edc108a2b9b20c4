/** A refusal that a setting would change names it in the operator's log, and never to the caller. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { helpingSetting } from '#server/domain/network/helping-setting.ts'
import { SETTINGS } from '#server/settings/known-settings.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false, env: { MOORING_ALLOWED_NETWORKS: '' } })
})
afterAll(() => mooring.stop())

it('A private host is refused with the setting in the log, and without it in the answer', async () => {
  const body = { connectionString: 'postgres://app:Tell-N0-one@10.1.2.3/app' }
  const { status, text } = await mooring.call('POST', '/v1/datasources', { body })
  expect([status, text.includes('MOORING_')]).toEqual([403, false])
  const lines = mooring.logLines.filter(line => line.includes('request answered with a fault'))
  expect(lines.map(line => JSON.parse(line))).toMatchObject([
    { fault: 'byo_host_not_allowed', setting: 'MOORING_ALLOWED_NETWORKS' },
  ])
  expect(await mooring.db.selectFrom('datasources').select('id').execute()).toEqual([])
})

it.each([
  ['host_private', '', 'MOORING_ALLOWED_NETWORKS'],
  ['name_not_found', '', 'MOORING_DNS_SERVERS'],
  ['dialler_busy', '', 'MOORING_DIAL_PROCESSES'],
  ['resource_limit_reached', 'POST /v1/datasources', 'MOORING_MAX_DATASOURCES'],
  ['resource_limit_reached', 'organization.createKey', 'MOORING_MAX_KEYS'],
  ['resource_limit_reached', 'POST /v1/capabilities', 'MOORING_MAX_CAPABILITIES'],
])('%s at "%s" names %s, which is a setting', (code, route, setting) => {
  expect(helpingSetting(code, route)).toEqual({ setting })
  expect(Object.keys(SETTINGS)).toContain(setting)
})

it('What no setting changes names none', () => {
  for (const code of ['authentication_failed', 'constructor', null]) expect(helpingSetting(code)).toEqual({})
})
