/**
 * The web tier is taken over and writes the record: never as an operator or the worker, never at another time, and only
 * for the organization of the acting key or capability.
 */
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { query } from '#test/support/database/postgres.ts'
import { makeTiers, type Tiers } from '#test/support/mooring/tiers.ts'

const DENIED = '42501'

let tiers: Tiers
beforeAll(async () => {
  tiers = await makeTiers()
})
afterAll(() => tiers.stop())

const asOwner = (sql: string) => query(tiers.databaseUrl, sql)
const asWeb = (sql: string) => query(tiers.roleUrl.web, sql).catch((error: pg.DatabaseError) => error.code)

describe("The web's role writes an audit row", () => {
  const event = (fields: Record<string, string>) => {
    const values = {
      org_id: `'${tiers.organization.id}'`,
      id: `'${newId()}'`,
      at: 'now()',
      principal_kind: `'key'`,
      principal_id: `(select id from api_keys where org_id = '${tiers.organization.id}' limit 1)`,
      action: `'datasource.read'`,
      object_kind: 'null',
      object_id: 'null',
      outcome: `'ok'`,
      request_id: 'null',
      address: 'null',
      ...fields,
    }
    const named = Object.entries(values).map(([name, value]) => `p_${name.replace('org_id', 'org')} => ${value}`)
    return {
      called: `select from record_1(${named.join(', ')})`,
      inserted: `insert into audit_events (${Object.keys(values).join(', ')}) values (${Object.values(values).join(', ')})`,
    }
  }
  const YEAR_AGO_ID = `'018c0000-0000-7000-8000-${randomUUID().slice(-12)}'`

  it.each<[string, () => Promise<Record<string, string>>]>([
    ['as the operator', async () => ({ principal_kind: `'operator'`, principal_id: 'null' })],
    ['as the worker', async () => ({ principal_kind: `'worker'`, principal_id: 'null' })],
    ['as nobody', async () => ({ principal_id: 'null' })],
    ['as a key that never was', async () => ({ principal_id: 'gen_random_uuid()' })],
    ['as a capability that is a key', async () => ({ principal_kind: `'capability'` })],
    ['of a year ago', async () => ({ at: `now() - interval '1 year'` })],
    ['of tomorrow', async () => ({ at: `now() + interval '1 day'` })],
    ['that the order of the record puts a year ago', async () => ({ id: YEAR_AGO_ID })],
    ['for another organization', async () => ({ org_id: `'${await otherOrganization()}'` })],
  ])('%s: refused, and nothing is written', async (_what, fields) => {
    const count = () => asOwner('select count(*) from audit_events')
    const sql = event(await fields())
    const before = await count()
    expect(await asWeb(sql.called)).toBe(DENIED)
    expect(await asWeb(sql.inserted)).toBe(DENIED)
    expect(await count()).toEqual(before)
  })

  it('at the present time, as a key of that organization: accepted by the function, and by it alone', async () => {
    const count = async () => Number((await asOwner('select count(*) from audit_events'))[0]?.['count'])
    const before = await count()
    expect(await asWeb(event({}).called)).toEqual([{}])
    expect(await asWeb(event({}).inserted)).toBe(DENIED)
    expect(await count()).toBe(before + 1)
  })

  it('with a registration by the operator: neither is written', async () => {
    const [org, id, task, id2] = [tiers.organization.id, newId(), newId(), newId()]
    const counted = () => asOwner('select (select count(*) from datasources) d, (select count(*) from audit_events) a')
    const before = await counted()
    const register = (kind: string, principal: string) =>
      asWeb(`select register_datasource_1('${org}', '${id}', 'endpoint', 'test', null, null, null, null, null, null, null, null,
        'https://example.com', '{}', null, (select id from organization_keys where org_id = '${org}'), '\\x00', 's', '\\x00', null,
        '${task}', '${id2}', now(), ${kind}, ${principal}, 'datasource.registered', 'ok', null, null, 10, now(), null)`)
    expect(await register(`'operator'`, 'null')).toBe(DENIED)
    expect(await register(`'key'`, 'gen_random_uuid()')).toBe(DENIED)
    expect(await counted()).toEqual(before)
    expect(
      await asWeb(`insert into datasources (org_id, id, kind, mode, endpoint, created_at)
      values ('${org}', '${id}', 'endpoint', 'test', 'https://example.com', now())`),
    ).toBe(DENIED)
  })

  async function otherOrganization(): Promise<string> {
    const id = randomUUID()
    await asOwner(`insert into organizations (id, name, created_at) values ('${id}', 'Other', now())`)
    return id
  }
})
