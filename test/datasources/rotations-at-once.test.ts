/** Concurrent rotations, by any route, leave exactly one credential in force, and each gets the right answer. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { faultOf } from '#client/index.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let key: string
let customer: Customer
beforeAll(async () => {
  mooring = await startMooring()
})
afterAll(() => mooring.stop())
// Each is another credential that may never be dialled, and counts as a guess: an organization has ten at one server in
// a quarter of an hour.
beforeEach(async () => {
  key = (await mooring.newOrganization('Rotating')).testKey
  customer = await makeCustomer()
})
afterEach(() => customer.drop())

const datasources = () => mooring.client(key).datasources
const uuid = (id: string) => uuidOf(id, 'ds_test_') ?? ''
/** The same login with another application name: another fingerprint, and it works. */
const named = (name: string) => customer.url('reader', { parameters: `application_name=${name}` })
const post = (connectionString: string, prefer = 'wait=20') =>
  mooring.call('POST', '/v1/datasources', { key, body: { connectionString, schema: 'app' }, headers: { prefer } })
const current = (version: number) => ({ version, state: 'current', destroyed: false })
const retired = (version: number) => ({ version, state: 'retired', destroyed: true })
const credentialsOf = (id: string) =>
  query(
    mooring.databaseUrl,
    `select version, state, sealed is null as destroyed from credentials where datasource_id = '${uuid(id)}' order by version`,
  )
const fault = (refused: Promise<unknown>) => refused.then(() => 'none', faultOf)

describe('Eight concurrent rotations', () => {
  const eight = Array.from({ length: 8 }, (_, at) => at)

  async function exactlyOneInForce(id: DatasourceId, rotations: number): Promise<void> {
    await settled(mooring.databaseUrl, uuid(id))
    const found = await credentialsOf(id)
    const last = rotations + 1
    // One that came while another one waited took its row; one that was in force in between has its own.
    expect(found.at(-1)).toEqual(current(last))
    expect(found[0]).toEqual(retired(1))
    expect(found.slice(0, -1)).toEqual(found.slice(0, -1).map(({ version }) => retired(Number(version))))
    const requested = "action in ('datasource.reregistered', 'datasource.rotation_requested') and outcome = 'ok'"
    const record = `select id from audit_events where object_id = '${uuid(id)}' and ${requested}`
    expect(await query(mooring.databaseUrl, record)).toHaveLength(rotations)
    expect(await datasources().get.query({ id })).toMatchObject({ status: 'active', credentialVersion: last })
  }

  it('through POST /v1/datasources: all answer 200, and the last one is in force', async () => {
    const { body } = await post(customer.url())
    const answers = await Promise.all(eight.map(at => post(named(`rest-${at}`), 'wait=0')))
    expect(answers.map(answer => [answer.status, answer.body.id])).toEqual(eight.map(() => [200, body.id]))
    await exactlyOneInForce(body.id, 8)
    await datasources().remove.mutate({ id: body.id })
  })

  it('through both routes: all succeed, and the last one is in force', async () => {
    const { body } = await post(customer.url())
    const id: DatasourceId = body.id
    const answers = await Promise.all(
      eight.map(at =>
        at % 2 === 0
          ? post(named(`both-${at}`), 'wait=0').then(answer => answer.status)
          : datasources()
              .rotate.mutate({ id, connectionString: named(`both-${at}`) })
              .then(() => 200),
      ),
    )
    expect(new Set(answers)).toEqual(new Set([200]))
    await exactlyOneInForce(id, 8)
    await datasources().remove.mutate({ id })
  })

  it('that expect the same version: one succeeds, the others conflict', async () => {
    const { body } = await post(customer.url())
    const id: DatasourceId = body.id
    const ends = await Promise.all(
      eight.map(at =>
        fault(datasources().rotate.mutate({ id, connectionString: named(`expect-${at}`), expectedVersion: 1 })),
      ),
    )
    expect(ends.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'conflict'), 'none'])
    await exactlyOneInForce(id, 1)
  })
})
