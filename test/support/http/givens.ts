/**
 * The given values of the exchanges: keys in every state, strings of real databases, and registered datasources. Each
 * is created when a story first uses it, for that story's own organization.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { typedId } from '#shared/base/wire.ts'
import { capability } from '#test/support/access/actors.ts'
import { makeKey, mistyped } from '#test/support/access/keys.ts'
import type { Customer } from '#test/support/mooring/customer.ts'
import type { Mooring, TestOrganization } from '#test/support/mooring/mooring.ts'
import { bareUuid } from './surfaces.ts'

/** The servers of a story. */
export interface Stage {
  readonly mooring: Mooring
  readonly customer: Customer
  /** Another one, whose schema changes. */
  readonly changing: Customer
  /** A port that accepts connections and stays silent. */
  readonly silentPort: number
  /** A port on which nobody listens. */
  readonly closedPort: number
}

/** Returns the values of a story's placeholders. The same name is the same value throughout one story. */
export async function givensOf(stage: Stage): Promise<(name: string) => Promise<string>> {
  const organization = await stage.mooring.newOrganization('Story')
  const made = new Map<string, Promise<string>>()
  const given = (name: string): Promise<string> => {
    const known = made.get(name)
    if (known !== undefined) return known
    const make = { ...makers(stage, organization), ...minted(stage, organization, given), ...bare(given) }[name]
    if (make === undefined) throw new Error(`nothing is given by the name ${name}`)
    const found = make()
    made.set(name, found)
    return found
  }
  return given
}

/** A listener that accepts and stays silent; its port stays taken until it is closed. */
export async function startSilent(): Promise<Server> {
  const server = createServer(socket => socket.on('error', () => socket.destroy())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** A port without a listener: another test may have taken one that was free a moment ago. */
export const CLOSED_PORT = 1

type Makers = Readonly<Record<string, () => Promise<string>>>

function makers(stage: Stage, organization: TestOrganization): Makers {
  return { ...keys(stage, organization), ...strings(stage), ...registered(stage, organization) }
}

function keys({ mooring }: Stage, organization: TestOrganization): Makers {
  const organizationId = organization.id
  const yesterday = new Date(Date.now() - 86_400_000)
  return {
    organization: async () => organization.id,
    testKey: async () => organization.testKey,
    liveKey: async () => organization.liveKey,
    mistypedKey: async () => mistyped(organization.testKey),
    expiredKey: () => makeKey(mooring, { organizationId, expiresAt: yesterday }),
    revokedKey: () => makeKey(mooring, { organizationId, revokedAt: yesterday }),
    readOnlyKey: () => makeKey(mooring, { organizationId, scopes: ['datasources.read'] }),
    readingCapability: () => capability(mooring, { scopes: ['datasources.read'] }),
    expiredCapability: () => capability(mooring, { expiresAt: yesterday }),
  }
}

function strings({ customer, silentPort, closedPort: port }: Stage): Makers {
  return {
    reader: async () => customer.url(),
    otherReader: async () => customer.url('reader', { parameters: 'application_name=other' }),
    superuser: async () => customer.url('superuser'),
    wrongPassword: async () => customer.url('reader', { password: 'not-it' }),
    closed: async () => customer.url('reader', { port }),
    silent: async () => customer.url('reader', { port: silentPort }),
    host: async () => customer.host,
    port: async () => String(customer.port),
    closedPort: async () => String(port),
    database: async () => customer.database,
    kilobytes70: async () => 'x'.repeat(70_000),
    characters256: async () => 'k'.repeat(256),
  }
}

function minted(
  { mooring }: Stage,
  { testKey: key }: TestOrganization,
  given: (name: string) => Promise<string>,
): Makers {
  const part = (name: string) => async () => JSON.parse(await given('minted'))[name]
  return {
    minted: async () => {
      const body = { operations: ['datasources.read'], ttlSeconds: 600, label: 'nightly report' }
      return (await mooring.call('POST', '/v1/capabilities', { key, body })).text
    },
    apiKey: async () => {
      const answer = await mooring.call('POST', '/api/v1/api-keys', { key, body: { name: 'nightly import' } })
      await mooring.call('POST', '/api/v1/api-keys', { key: answer.body.data.key, body: { name: 'made by it' } })
      return answer.body.data.id
    },
    apiKeyId: async () => typedId('key_', await given('apiKey')),
    lastKey: async () => {
      const { items } = await mooring.client(key).organization.listKeys.query()
      return bareUuid(items.find(item => item.last4 === key.slice(-4))?.id ?? '')
    },
    capability: part('id'),
    capabilityToken: part('token'),
  }
}

/** The same datasources by their ids in the connections dialect. */
function bare(given: (name: string) => Promise<string>): Makers {
  const uuid = (name: string) => async () => bareUuid(await given(name))
  return {
    connection: uuid('datasource'),
    newConnection: uuid('newDatasource'),
    rejectedConnection: uuid('rejectedDatasource'),
    unreachableConnection: uuid('unreachableDatasource'),
    endpointUuid: uuid('endpoint'),
    foreignConnection: uuid('foreignDatasource'),
  }
}

function registered({ mooring, customer, changing, closedPort: port }: Stage, organization: TestOrganization): Makers {
  const register = async (body: object, key = organization.testKey, wait = 20): Promise<string> => {
    const options = { key, body, headers: { prefer: `wait=${wait}` } }
    const answer = await mooring.call('POST', '/v1/datasources', options)
    if (answer.status !== 201) throw new Error(`could not register: ${answer.text}`)
    return answer.body.id
  }
  const active = () => register({ connectionString: customer.url(), schema: 'app' })
  const unreachable = () => register({ connectionString: customer.url('reader', { port }) })
  const endpoint = () =>
    register({ endpoint: 'https://hooks.example.com/mooring', signingKey: 'whsec_0123456789' }, undefined, 0)
  const drifted = async () => {
    const id = await register({ connectionString: changing.url(), schema: 'app' })
    const introspect = async () => {
      const answer = await mooring.call('POST', `/v1/datasources/${id}/introspect`, { key: organization.testKey })
      if (answer.status !== 200) throw new Error(`could not introspect: ${answer.text}`)
    }
    // An earlier story may have dropped it.
    await changing.sql('alter table app.orders add column if not exists placed_at timestamptz default now()')
    await introspect()
    await changing.sql('alter table app.orders drop column placed_at')
    await introspect()
    return id
  }
  const foreign = async () => {
    const stranger = await mooring.newOrganization('Stranger')
    return register({ connectionString: customer.url() }, stranger.testKey, 0)
  }
  return {
    datasource: active,
    newDatasource: () => register({ connectionString: customer.url() }, undefined, 0),
    driftedDatasource: drifted,
    liveDatasource: () => register({ connectionString: customer.url() }, organization.liveKey, 0),
    rejectedDatasource: () => register({ connectionString: customer.url('superuser') }),
    unreachableDatasource: unreachable,
    endpoint,
    foreignDatasource: foreign,
  }
}
