/**
 * The audit record: each mutation appends one event in its own transaction; refusals of known callers are recorded too;
 * no event holds a secret.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClient, faultOf } from '#client/index.ts'
import { appRouter } from '#server/api/router.ts'
import type { CapabilityId } from '#shared/access/credential.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { typedId, uuidOf } from '#shared/base/wire.ts'
import { quiet } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const PASSWORD = 'hunter2-hunter2-hunter2'
const SIGNING_KEY = 'whsec_the_signing_key_of_acme'

let dns: DnsServer
let mooring: Mooring
/** The web tier's clock; null while it runs freely. */
let still: Date | null = null
let customer: Customer
beforeAll(async () => {
  dns = await startDnsServer()
  // Refused for good, so that the worker checks an endpoint once and not repeatedly.
  dns.answer('api.acme.io', { addresses: ['10.0.0.1'] })
  mooring = await startMooring({ env: { MOORING_DNS_SERVERS: dns.address }, clock: () => still ?? new Date() })
  customer = await makeCustomer(PASSWORD)
  await watchWrites()
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await dns.close()
})

const sql = (text: string) => query(mooring.databaseUrl, text)

/** Records which tables each transaction writes. */
async function watchWrites(): Promise<void> {
  await sql(`
    create table test_writes (xid xid8 not null default pg_current_xact_id(), name text not null);
    create function test_write() returns trigger language plpgsql as $$
      -- A partition is written for its table.
      begin insert into public.test_writes (name)
        values (coalesce((select c.relname from pg_inherits join pg_class c on c.oid = inhparent where inhrelid = tg_relid), tg_table_name));
        return null; end $$;
    do $$ declare name text; begin
      for name in select relname from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace and relname <> 'test_writes' loop
        execute format('create trigger test_write after insert or update or delete on %I for each row execute function test_write()', name);
      end loop; end $$`)
}

/** The input of a mutation and its expected event. */
interface Row {
  readonly action: string
  /** Tables written in the event's own transaction. */
  readonly writes: readonly string[]
  readonly by?: 'key' | 'capability'
  call(client: ReturnType<Mooring['client']>): Promise<unknown>
}

const url = (name: string) => customer.url('reader', { parameters: `application_name=${name}` })
const direct = async (): Promise<DatasourceId> => {
  const { datasources } = mooring.client()
  return (await datasources.register.mutate({ connectionString: url('one'), schema: 'app', waitSeconds: 20 })).id
}
const capability = async (): Promise<typeof CapabilityId._output> => {
  const grant = { operations: ['datasources.read' as const], participantKind: 'agent' as const, ttlSeconds: 60 }
  return (await mooring.client().organization.mintCapability.mutate(grant)).id
}

async function lease() {
  const token = await leaseCapability(mooring)
  const client = createClient({ url: mooring.url, key: token, retries: 0 })
  const id = await direct()
  const { publicKey } = await holderKey()
  return { take: () => client.datasources.lease.mutate({ id, publicKey }), client }
}

/** Every mutation. Writes that happen before `call` resolves to a function are ignored. */
const TABLE: Record<string, () => Promise<Row>> = {
  'datasources.register': async () => ({
    action: 'datasource.registered',
    writes: ['changes', 'credentials', 'datasources', 'quotas', 'tasks'],
    call: ({ datasources }) => datasources.register.mutate({ connectionString: url('new'), schema: 'app' }),
  }),
  'datasources.update': async () => {
    const id = await direct()
    const call: Row['call'] = ({ datasources }) => datasources.update.mutate({ id, name: 'New' })
    return { action: 'datasource.updated', writes: ['changes', 'datasources'], call }
  },
  'datasources.rotate': async () => {
    const id = await direct()
    const call: Row['call'] = ({ datasources }) => datasources.rotate.mutate({ id, connectionString: url('two') })
    return { action: 'datasource.rotation_requested', writes: ['credentials', 'datasources', 'tasks'], call }
  },
  'datasources.rotateKey': async () => {
    const { datasources } = mooring.client()
    const endpoint = { endpoint: 'https://api.acme.io/feed', signingKey: SIGNING_KEY }
    const { id } = await datasources.register.mutate(endpoint)
    const call: Row['call'] = client => client.datasources.rotateKey.mutate({ id, signingKey: `${SIGNING_KEY}2` })
    return { action: 'datasource.rotation_requested', writes: ['credentials', 'datasources', 'tasks'], call }
  },
  'datasources.verify': async () => {
    const id = await direct()
    const call: Row['call'] = ({ datasources }) => datasources.verify.mutate({ id })
    return { action: 'datasource.verification_requested', writes: ['tasks'], call }
  },
  'datasources.validate': async () => ({
    action: 'datasource.validated',
    writes: ['tasks'],
    call: ({ datasources }) => datasources.validate.mutate({ connectionString: url('tried'), schema: 'app' }),
  }),
  'datasources.validateRegistered': async () => {
    const id = await direct()
    const call: Row['call'] = ({ datasources }) => datasources.validateRegistered.mutate({ id })
    return { action: 'datasource.validated', writes: ['tasks'], call }
  },
  'datasources.removeAll': async () => {
    // One event for each removed datasource: one here.
    const { datasources } = mooring.client()
    await datasources.removeAll.mutate({ confirm: true })
    await direct()
    const call: Row['call'] = client => client.datasources.removeAll.mutate({ confirm: true })
    return { action: 'datasource.removed', writes: ['changes', 'credentials', 'datasources', 'quotas', 'tasks'], call }
  },
  'datasources.remove': async () => {
    const id = await direct()
    const call: Row['call'] = ({ datasources }) => datasources.remove.mutate({ id })
    return { action: 'datasource.removed', writes: ['changes', 'credentials', 'datasources', 'quotas', 'tasks'], call }
  },
  'datasources.lease': async () => {
    const { take } = await lease()
    return { action: 'datasource.leased', writes: ['leases'], by: 'capability', call: take }
  },
  'datasources.releaseLease': async () => {
    const { take, client } = await lease()
    const { leaseId } = await take()
    const call: Row['call'] = () => client.datasources.releaseLease.mutate({ leaseId })
    return { action: 'lease.released', writes: ['leases'], by: 'capability', call }
  },
  'snapshots.introspect': async () => {
    const id = await direct()
    const call: Row['call'] = ({ snapshots }) => snapshots.introspect.mutate({ id })
    return { action: 'datasource.introspected', writes: ['tasks'], call }
  },
  'feeds.push': async () => {
    const { datasources } = mooring.client()
    const { id } = await datasources.register.mutate({ endpoint: 'https://api.acme.io/push', signingKey: SIGNING_KEY })
    const body = JSON.stringify({ events: [{ id: 'evt_1', model: 'order', entityId: '1', type: 'CREATE' }] })
    const call: Row['call'] = ({ feeds }) => feeds.push.mutate({ id, body })
    return { action: 'feed.pushed', writes: ['feed_events'], call }
  },
  'organization.createKey': async () => ({
    action: 'key.created',
    writes: ['api_keys', 'tokens'],
    call: ({ organization }) => organization.createKey.mutate({ mode: 'test' }),
  }),
  'organization.revokeKey': async () => {
    const { id } = await mooring.client().organization.createKey.mutate({ mode: 'test' })
    const call: Row['call'] = ({ organization }) => organization.revokeKey.mutate({ id })
    return { action: 'key.revoked', writes: ['revocations'], call }
  },
  'organization.mintCapability': async () => ({
    action: 'capability.minted',
    writes: ['capabilities', 'tokens'],
    call: ({ organization }) =>
      organization.mintCapability.mutate({ operations: ['feeds.read'], participantKind: 'system', ttlSeconds: 60 }),
  }),
  'organization.rotateCapability': async () => {
    const id = await capability()
    const call: Row['call'] = ({ organization }) => organization.rotateCapability.mutate({ id })
    return { action: 'capability.rotated', writes: ['capabilities', 'revocations', 'tokens'], call }
  },
  'organization.revokeCapability': async () => {
    const id = await capability()
    const call: Row['call'] = ({ organization }) => organization.revokeCapability.mutate({ id })
    return { action: 'capability.revoked', writes: ['revocations'], call }
  },
}

const mutations = Object.entries(appRouter._def.procedures)
  .filter(([, one]) => Reflect.get(Reflect.get(one, '_def'), 'type') === 'mutation')
  .map(([name]) => name)
  // It exists only in local mode: `console-sign-in.test.ts` has its event.
  .filter(name => name !== 'local.signIn')

const EVENTS = `select id, action, outcome, principal_kind, principal_id, object_kind, object_id, request_id, address,
  (select w.xid::text from test_writes w where w.xid::xid = e.xmin and w.name = 'audit_events' limit 1) as xid from audit_events e`
const eventsAfter = (id: unknown) =>
  sql(`${EVENTS} where org_id = '${mooring.organization.id}' and id > '${id}' order by id`)
async function lastEvent(): Promise<unknown> {
  const [row] = await sql(
    `select id from audit_events where org_id = '${mooring.organization.id}' order by id desc limit 1`,
  )
  return row?.['id']
}

it('The table of mutations lists exactly the router’s mutations', () => {
  expect(Object.keys(TABLE).toSorted()).toEqual(mutations.toSorted())
})

describe.each(mutations)('%s', name => {
  it.runIf(TABLE[name] !== undefined)('appends one event, in the transaction of what it does', async () => {
    const row = await TABLE[name]?.()
    if (row === undefined) throw new Error('the table lacks it')
    await quiet(mooring.databaseUrl)
    const before = await lastEvent()
    await row.call(mooring.client())
    const events = await eventsAfter(before)
    expect(events).toMatchObject([
      { action: row.action, outcome: 'ok', principal_kind: row.by ?? 'key', address: '127.0.0.1' },
    ])
    const [event] = events
    expect(event?.['principal_id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(event?.['request_id']).toMatch(/^req_[0-9a-f]{32}$/)
    const about = event?.['object_kind']
    if (about !== null) expect(event?.['object_id']).toMatch(/^[0-9a-f-]{36}$/)
    const writes = await sql(`select distinct name from test_writes where xid = '${event?.['xid']}' order by name`)
    expect(writes.map(write => write['name'])).toEqual(expect.arrayContaining([...row.writes]))
  })
})

describe('A call that changes nothing', () => {
  it('because the credential is already in force is recorded like any other, since the web tier cannot tell them apart', async () => {
    const id = await direct()
    const before = await lastEvent()
    await mooring.client().datasources.rotate.mutate({ id, connectionString: url('one') })
    expect(await eventsAfter(before)).toMatchObject([{ action: 'datasource.rotation_requested', outcome: 'ok' }])
  })

  it('because its idempotency key was already used is not recorded again', async () => {
    const before = await lastEvent()
    const ask = () => mooring.client().organization.createKey.mutate({ mode: 'test', idempotencyKey: 'audited' })
    await ask()
    await ask()
    expect(await eventsAfter(before)).toMatchObject([{ action: 'key.created' }])
  })
})

describe('A refusal', () => {
  const unknown = typedId('ds_test_', '00000000-0000-7000-8000-000000000000')

  it('of a known principal is recorded with the fault, on every surface', async () => {
    const before = await lastEvent()
    const headers = { 'x-request-id': 'the-request-of-the-test' }
    await mooring.client().datasources.get.query({ id: unknown }).catch(faultOf)
    await mooring.call('GET', `/v1/datasources/${unknown}`, { headers })
    await mooring.call('GET', `/api/v1/connections/${uuidOf(unknown, 'ds_test_')}`)
    await mooring.call('POST', '/v1/datasources', { body: { connectionString: 'nonsense' } })
    expect((await mooring.call('GET', '/trpc/datasources.nothing')).status).toBe(404)
    const refused = { principal_kind: 'key', address: '127.0.0.1', object_id: null }
    expect(await eventsAfter(before)).toMatchObject([
      { ...refused, action: 'datasources.get', outcome: 'entity_not_found' },
      {
        ...refused,
        action: 'GET /v1/datasources/:id',
        outcome: 'entity_not_found',
        request_id: headers['x-request-id'],
      },
      { ...refused, action: 'GET /api/v1/connections/:connection_id', outcome: 'entity_not_found' },
      { ...refused, action: 'POST /v1/datasources', outcome: 'invalid_body' },
      { ...refused, action: 'datasources.nothing', outcome: 'route_not_found' },
    ])
  })

  it('of an unknown caller leaves no event', async () => {
    const count = 'select count(*)::int as count from audit_events'
    const before = await sql(count)
    expect((await mooring.call('GET', '/v1/datasources', { key: null })).status).toBe(401)
    expect((await mooring.call('GET', '/v1/datasources', { key: `sk_test_${'x'.repeat(36)}` })).status).toBe(401)
    expect(await sql(count)).toEqual(before)
  })

  it('is sampled when there are many: the first 20 of a minute, then one in 100', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Noisy')
    // All of them fall into one minute, however long they take.
    still = new Date()
    onTestFinished(() => {
      still = null
    })
    for (let round = 0; round < 12; round += 1) {
      await Promise.all(Array.from({ length: 25 }, () => mooring.call('GET', `/v1/datasources/${unknown}`, { key })))
    }
    const [found] = await sql(
      `select count(*)::int as count from audit_events where org_id = '${id}' and outcome <> 'ok'`,
    )
    expect(found).toEqual({ count: 20 + 3 })
  })
})

describe('organization.audit', () => {
  it('pages the organization’s own record, newest first, each event once', async () => {
    const { id, testKey } = await mooring.newOrganization('Paged')
    const { organization, datasources } = mooring.client(testKey)
    for (const mode of ['test', 'test', 'test', 'test'] as const) await organization.createKey.mutate({ mode })
    const { id: made } = await datasources.register.mutate({ connectionString: url('paged') })
    const seen: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await organization.audit.query({ limit: 3, ...(cursor === undefined ? {} : { cursor }) })
      seen.push(...page.items.map(item => item.id))
      if (page.nextCursor === null) break
      cursor = page.nextCursor
    }
    const all = await sql(`select id from audit_events where org_id = '${id}' order by id desc`)
    expect(seen).toEqual(all.map(row => row['id']))
    expect(seen).toHaveLength(8)

    const [registered] = (await organization.audit.query({ action: 'datasource.registered' })).items
    expect(registered).toMatchObject({
      principal: { kind: 'key', id: expect.stringMatching(/^key_/) },
      objectKind: 'datasource',
      outcome: 'ok',
      address: '127.0.0.1',
    })
    expect(registered?.objectId?.slice(-32)).toBe(made.slice(-32))
    expect((await organization.audit.query({ objectId: made })).items).toEqual([registered])
    expect((await organization.audit.query({ objectId: 'nonsense' })).items).toEqual([])
    expect((await organization.audit.query({ outcome: 'forbidden' })).items).toEqual([])
  })

  it('holds no password, string, key or token, whether calls succeed or are refused', async () => {
    const { organization, datasources } = mooring.client()
    const { key = '' } = await organization.createKey.mutate({ mode: 'test', name: 'a name that is no secret' })
    await datasources.register.mutate({ connectionString: 'postgres://u:p@10.0.0.1/d' }).catch(faultOf)
    await mooring.call('GET', `/v1/datasources?connectionString=${PASSWORD}`)
    await mooring.call('GET', '/v1/datasources', { key, headers: { 'x-request-id': `${PASSWORD} and more` } })
    const text = JSON.stringify(await sql('select * from audit_events'))
    for (const secret of [PASSWORD, SIGNING_KEY, key, mooring.organization.testKey, 'postgres://', 'sealed'])
      expect(text).not.toContain(secret)
  })
})
