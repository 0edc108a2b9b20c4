/**
 * The authorization matrix: every procedure × every actor. The test fails for a procedure without a row and for a row
 * without a procedure.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appRouter } from '#server/api/router.ts'
import type { Scope } from '#shared/access/credential.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { allBut, capability, outcasts, type Token } from '#test/support/access/actors.ts'
import { makeKey } from '#test/support/access/keys.ts'
import { attempt } from '#test/support/access/procedures.ts'
import { quiet } from '#test/support/checks/verdicts.ts'
import { difference, effects } from '#test/support/database/rows.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'

/** The objects that inputs refer to. `fresh…` creates another one on each call, for procedures that consume theirs. */
interface World {
  readonly datasource: DatasourceId
  readonly endpoint: DatasourceId
  readonly capability: string
  readonly snapshot: string
  readonly url: string
  freshDatasource(): Promise<DatasourceId>
  freshKey(): Promise<string>
  freshCapability(): Promise<string>
}

/** `ok`, or the expected fault. */
type End =
  | 'ok'
  | 'forbidden'
  | 'entity_not_found'
  | 'capability_not_found'
  | 'capability_scope_denied'
  | 'route_not_found'

/** One procedure: its scope, an input that a full key of test mode may send, and the result for each other actor. */
interface Row {
  readonly scope: Scope | null
  readonly input: (world: World) => unknown
  /** The result for a key with every scope that a new one has; `ok` by default. */
  readonly full?: End
  /** The result for a key with only this scope; `ok` by default. */
  readonly alone?: End
  /** The results for a full key of another organization, and for a full live-mode key of this organization. */
  readonly stranger: End
  readonly live: End
  /** The results for a capability that names this operation: for all datasources, and for another datasource only. */
  readonly capability: End
  readonly elsewhere: End
  /** The result for everyone, with any key or none: a procedure that requires no key. */
  readonly anyone?: End
}

// The object of a procedure decides most of its row.
const none = 'entity_not_found'
const gone = 'capability_not_found'
const denied = 'capability_scope_denied'
const reads = { stranger: none, live: 'ok', capability: 'ok', elsewhere: denied } as const
const changes = { stranger: none, live: 'forbidden', capability: 'ok', elsewhere: denied } as const
const makes = { stranger: 'ok', live: 'ok', capability: 'ok', elsewhere: denied } as const
const asks = { stranger: 'ok', live: 'ok', capability: 'ok', elsewhere: 'ok' } as const
const leases = {
  stranger: 'forbidden',
  live: 'forbidden',
  full: 'forbidden',
  alone: 'forbidden',
  capability: denied,
  elsewhere: denied,
} as const
const readsOwn = { stranger: 'ok', live: 'ok', capability: denied, elsewhere: denied } as const
const readsObject = { ...readsOwn, stranger: none } as const
const changesOwn = { stranger: none, live: 'forbidden', capability: denied, elsewhere: denied } as const

const TABLE: Readonly<Record<string, Row>> = {
  'datasources.register': { scope: 'datasources.create', input: w => ({ connectionString: w.url }), ...makes },
  'datasources.validate': { scope: 'datasources.create', input: w => ({ connectionString: w.url }), ...makes },
  'datasources.validateRegistered': { scope: 'datasources.create', input: w => ({ id: w.datasource }), ...changes },
  'datasources.get': { scope: 'datasources.read', input: w => ({ id: w.datasource }), ...reads },
  'datasources.list': { scope: 'datasources.read', input: () => ({}), ...asks },
  'datasources.verifications': { scope: 'datasources.read', input: w => ({ id: w.datasource }), ...reads },
  'datasources.progress': { scope: 'datasources.read', input: w => ({ id: w.datasource }), ...reads },
  'datasources.roleSql': { scope: 'datasources.read', input: () => ({ schema: 'app' }), ...asks },
  'datasources.watch': { scope: 'datasources.read', input: () => ({}), ...asks },
  'datasources.leases': { scope: 'datasources.read', input: w => ({ id: w.datasource }), ...reads },
  'datasources.verify': { scope: 'datasources.update', input: w => ({ id: w.datasource }), ...changes },
  'datasources.update': { scope: 'datasources.update', input: w => ({ id: w.datasource, name: 'New' }), ...changes },
  'datasources.rotate': {
    scope: 'datasources.update',
    input: w => ({ id: w.datasource, connectionString: w.url }),
    ...changes,
  },
  'datasources.rotateKey': {
    scope: 'datasources.update',
    input: w => ({ id: w.endpoint, signingKey: 'another signing key' }),
    ...changes,
  },
  'datasources.remove': {
    scope: 'datasources.remove',
    input: async w => ({ id: await w.freshDatasource() }),
    ...changes,
  },
  // Only a capability that an operator signed can lease: `leases.test.ts` has the successful case.
  'datasources.lease': {
    scope: 'datasources.lease',
    input: w => ({ id: w.datasource, publicKey: 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=' }),
    ...leases,
  },
  'datasources.releaseLease': {
    scope: 'datasources.lease',
    input: () => ({ leaseId: `lease_${'0'.repeat(32)}` }),
    ...leases,
    // This lease does not exist.
    alone: none,
    capability: none,
    elsewhere: none,
  },
  'snapshots.introspect': { scope: 'datasources.introspect', input: w => ({ id: w.datasource }), ...changes },
  'snapshots.list': { scope: 'datasources.read', input: w => ({ id: w.datasource }), ...reads },
  'snapshots.latest': { scope: 'datasources.read', input: w => ({ id: w.datasource }), ...reads },
  'snapshots.get': { scope: 'datasources.read', input: w => ({ snapshotId: w.snapshot }), ...reads },
  'snapshots.drift': { scope: 'datasources.read', input: w => ({ from: w.snapshot, to: w.snapshot }), ...reads },
  'feeds.list': { scope: 'feeds.read', input: w => ({ id: w.endpoint }), ...reads },
  'feeds.recent': { scope: 'feeds.read', input: w => ({ id: w.endpoint }), ...reads },
  'feeds.watch': { scope: 'feeds.read', input: w => ({ id: w.endpoint }), ...reads },
  'feeds.push': { scope: 'feeds.write', input: w => ({ id: w.endpoint, body: '{"events":[]}' }), ...changes },
  'organization.sealingKey': { scope: null, input: () => ({}), ...asks },
  'organization.egress': { scope: null, input: () => ({}), ...asks },
  'organization.current': { scope: null, input: () => ({}), ...asks },
  'organization.usage': { scope: 'organization.read', input: () => ({}), ...readsOwn },
  'operations.overview': { scope: 'organization.read', input: () => ({}), ...readsOwn },
  // It exists only in local mode: `console-sign-in.test.ts` has the successful case.
  'local.signIn': { scope: null, input: () => ({ code: 'x'.repeat(22) }), ...asks, anyone: 'route_not_found' },
  'organization.audit': { scope: 'organization.read', input: () => ({}), ...readsOwn },
  'organization.listKeys': { scope: 'organization.read', input: () => ({}), ...readsOwn },
  'organization.createKey': {
    scope: 'organization.write',
    input: () => ({ mode: 'test', scopes: ['organization.write'] }),
    ...changesOwn,
    stranger: 'ok',
  },
  'organization.revokeKey': {
    scope: 'organization.write',
    input: async w => ({ id: await w.freshKey() }),
    ...changesOwn,
  },
  'organization.mintCapability': {
    scope: 'organization.write',
    input: () => ({ operations: ['feeds.write'], ttlSeconds: 60 }),
    ...changesOwn,
    stranger: 'ok',
    live: 'ok',
    // It would exceed the key's own scopes.
    alone: 'forbidden',
  },
  'organization.getCapability': {
    scope: 'organization.read',
    input: w => ({ id: w.capability }),
    ...readsObject,
    stranger: gone,
  },
  'organization.listCapabilities': { scope: 'organization.read', input: () => ({}), ...readsOwn },
  'organization.rotateCapability': {
    scope: 'organization.write',
    input: async w => ({ id: await w.freshCapability() }),
    ...changesOwn,
    stranger: gone,
    alone: 'forbidden',
  },
  'organization.revokeCapability': {
    scope: 'organization.write',
    input: async w => ({ id: await w.freshCapability() }),
    ...changesOwn,
    stranger: gone,
  },
  // The last row: it removes the objects that the other rows use.
  'datasources.removeAll': { scope: 'datasources.remove', input: () => ({ confirm: true }), ...makes },
}

let dns: DnsServer
let mooring: Mooring
let customer: Customer
let other: TestOrganization
let world: World
beforeAll(async () => {
  dns = await startDnsServer()
  // Refused for good, so that the worker checks the endpoint once and not repeatedly.
  dns.answer('api.acme.io', { addresses: ['10.0.0.1'] })
  mooring = await startMooring({ env: { MOORING_DNS_SERVERS: dns.address } })
  customer = await makeCustomer()
  other = await mooring.newOrganization('Other')
  world = await newWorld()
})
afterAll(async () => {
  await mooring.stop()
  await Promise.all([customer.drop(), dns.close()])
})

async function newWorld(): Promise<World> {
  const { datasources, organization } = mooring.client()
  const url = customer.url()
  const freshDatasource = async () => (await datasources.register.mutate({ connectionString: url, waitSeconds: 20 })).id
  const freshKey = async () => (await organization.createKey.mutate({ mode: 'test' })).id
  const endpoint = { endpoint: 'https://api.acme.io/feed', signingKey: 'a signing key' }
  const freshCapability = async () => {
    const body = { operations: ['datasources.read'], ttlSeconds: 3600 }
    return (await mooring.call('POST', '/trpc/organization.mintCapability', { body })).body.result.data.id
  }
  const datasource = await freshDatasource()
  const introspected = await mooring.call('POST', '/trpc/snapshots.introspect', { body: { id: datasource } })
  return {
    url,
    datasource,
    snapshot: introspected.body.result.data.snapshot.id,
    endpoint: (await datasources.register.mutate(endpoint)).id,
    capability: await freshCapability(),
    freshDatasource,
    freshKey,
    freshCapability,
  }
}

const procedures = Object.keys(appRouter._def.procedures)

it('The table lists exactly the router’s procedures', () => {
  expect(Object.keys(TABLE).sort()).toEqual([...procedures].sort())
})

/** Every actor that is not simply refused, and their result. */
async function actors(row: Row): Promise<{ who: string; token: Token; end: End }[]> {
  const only = row.scope === null ? [] : [row.scope]
  const elsewhere = [await world.freshDatasource()]
  const lacks = row.scope === null ? 'ok' : 'forbidden'
  const found: { who: string; token: Token; end: End }[] = [
    { who: 'a key without the scope', token: await makeKey(mooring, { scopes: allBut(row.scope) }), end: lacks },
    { who: 'another organization’s key', token: other.testKey, end: row.stranger },
    { who: 'a live key', token: mooring.organization.liveKey, end: row.live },
    { who: 'a capability for all', token: await capability(mooring, { scopes: only }), end: row.capability },
    {
      who: 'a capability for another datasource',
      token: await capability(mooring, { scopes: only, datasourceIds: elsewhere }),
      end: row.elsewhere,
    },
    {
      who: 'a capability for other operations',
      token: await capability(mooring, { scopes: allBut(row.scope) }),
      end: row.scope === null ? 'ok' : denied,
    },
    { who: 'a full key', token: mooring.organization.testKey, end: row.full ?? 'ok' },
  ]
  if (row.scope !== null)
    found.push({
      who: 'a key with the scope alone',
      token: await makeKey(mooring, { scopes: only }),
      end: row.alone ?? 'ok',
    })
  const { anyone } = row
  return anyone === undefined ? found : found.map(one => ({ ...one, end: anyone }))
}

describe.each(Object.keys(TABLE))('%s', procedure => {
  const row = TABLE[procedure]
  const type = Reflect.get(appRouter._def.procedures, procedure)._def.type

  it.runIf(row !== undefined)(
    'returns the listed result for each actor, and a refusal leaves nothing behind',
    async () => {
      if (row === undefined) return
      const call = (token: Token, options: { input: unknown; refused: boolean }) =>
        attempt(mooring.url, { procedure, type, token, ...options })
      const everyone = await actors(row)
      const input = await row.input(world)
      const refused = await outcasts(mooring)
      // Work that is still queued must not count as an effect of a refusal.
      await quiet(mooring.databaseUrl)
      const before = await effects(mooring.databaseUrl)
      for (const { who, token, fault } of refused)
        expect(await call(token, { input, refused: true }), who).toBe(row.anyone ?? fault)
      for (const { who, token, end } of everyone.filter(one => one.end !== 'ok'))
        expect(await call(token, { input, refused: true }), who).toBe(end)
      expect(difference(before, await effects(mooring.databaseUrl), counts)).toEqual([])

      for (const { who, token, end } of everyone.filter(one => one.end === 'ok'))
        expect(await call(token, { input: await row.input(world), refused: false }), who).toBe(end)
    },
  )
})

/**
 * The worker keeps checking the endpoint meanwhile. Its writes are no effect of a call; a new key would be. A head only
 * counts changes, and each change is a row that is compared.
 */
function counts(line: string): boolean {
  if (line.startsWith('public.dial_budgets') || line.startsWith('public.change_heads')) return false
  return line.startsWith('public.credentials') || !line.includes(bareUuid(world.endpoint))
}
