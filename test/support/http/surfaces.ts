/**
 * The three surfaces of the API behind one interface, so that one story runs on each: tRPC, the connections dialect,
 * the datasources dialect. A field that a surface lacks is undefined.
 */
import { typedId } from '#shared/base/wire.ts'
import type { Mooring } from '#test/support/mooring/mooring.ts'

/** A surface's answer about a datasource. */
export interface SurfaceAnswer {
  /** The HTTP status of the answer. */
  readonly http: number
  /** The UUID, without the prefix that tRPC and the datasources dialect give it. */
  readonly uuid: string
  readonly status?: string
  readonly reason?: string | null
  readonly checks?: readonly { item: string; outcome: string; actual?: string; fix?: string }[]
  /** The whole answer as text. */
  readonly text: string
}

/** The registration, and how long to wait for the verdict. */
export interface Registration {
  readonly url: string
  readonly schema?: string
  readonly wait?: number
  readonly key?: string
}

/** One surface. A refusal is an answer, too. */
export interface Surface {
  readonly name: 'tRPC' | 'the connections dialect' | 'the datasources dialect'
  register(asked: Registration): Promise<SurfaceAnswer>
  get(uuid: string, key?: string): Promise<SurfaceAnswer>
  /** UUIDs of all listed datasources. */
  list(): Promise<string[]>
  remove(uuid: string, key?: string): Promise<SurfaceAnswer>
}

/** All three, for one Mooring. */
export function surfacesOf(mooring: Mooring): readonly [Surface, Surface, Surface] {
  return [trpc(mooring), connections(mooring), datasources(mooring)]
}

/** A UUID in its usual notation, from a typed id. */
export function bareUuid(id: string): string {
  const hex = id.slice(-32)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

type Answer = Awaited<ReturnType<Mooring['call']>>

const keyOf = (key: string | undefined) => (key === undefined ? {} : { key })

function trpc({ call }: Mooring): Surface {
  const query = (path: string, input: object, key?: string) =>
    call('GET', `/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`, keyOf(key))
  const mutate = (path: string, body: object, key?: string) => call('POST', `/trpc/${path}`, { body, ...keyOf(key) })
  const received = ({ status: http, body, text }: Answer): SurfaceAnswer => {
    const found = body?.result?.data
    if (found === undefined) return { http, uuid: '', text }
    return {
      http,
      uuid: bareUuid(found.id),
      status: found.status,
      reason: found.statusReason,
      checks: found.checks,
      text,
    }
  }
  const id = (uuid: string) => typedId('ds_test_', uuid)
  return {
    name: 'tRPC',
    register: async ({ url, schema, wait, key }) => {
      const input = { connectionString: url, ...(schema && { schema }), ...(wait && { waitSeconds: wait }) }
      return received(await mutate('datasources.register', input, key))
    },
    get: async (uuid, key) => received(await query('datasources.get', { id: id(uuid) }, key)),
    list: async () => {
      const { body } = await query('datasources.list', {})
      return body.result.data.items.map((item: { id: string }) => bareUuid(item.id))
    },
    remove: async (uuid, key) => received(await mutate('datasources.remove', { id: id(uuid) }, key)),
  }
}

const preferring = (wait: number | undefined) =>
  wait === undefined ? {} : { headers: { prefer: `respond-async, wait=${wait}` } }

function connections({ call }: Mooring): Surface {
  const path = '/api/v1/connections'
  const received = ({ status: http, body, text }: Answer): SurfaceAnswer => ({ http, uuid: body?.data?.id ?? '', text })
  return {
    name: 'the connections dialect',
    register: async ({ url, wait, key }) => {
      const body = { name: 'Shop', db_type: 'postgresql', connection_string: url }
      return received(await call('POST', path, { body, ...preferring(wait), ...keyOf(key) }))
    },
    get: async (uuid, key) => received(await call('GET', `${path}/${uuid}`, keyOf(key))),
    list: async () => {
      const { body } = await call('GET', path)
      return body.data.connections.map((item: { id: string }) => item.id)
    },
    remove: async (uuid, key) => received(await call('DELETE', `${path}/${uuid}`, keyOf(key))),
  }
}

function datasources({ call }: Mooring): Surface {
  const path = '/v1/datasources'
  const received = ({ status: http, body, text }: Answer): SurfaceAnswer => {
    if (typeof body?.id !== 'string') return { http, uuid: '', text }
    return { http, uuid: bareUuid(body.id), status: body.status, reason: body.status_reason, checks: body.checks, text }
  }
  const id = (uuid: string) => typedId('ds_test_', uuid)
  return {
    name: 'the datasources dialect',
    register: async ({ url, schema, wait, key }) => {
      const body = { connectionString: url, ...(schema && { schema }) }
      return received(await call('POST', path, { body, ...preferring(wait), ...keyOf(key) }))
    },
    get: async (uuid, key) => received(await call('GET', `${path}/${id(uuid)}`, keyOf(key))),
    list: async () => {
      const { body } = await call('GET', path)
      return body.data.map((item: { id: string }) => bareUuid(item.id))
    },
    remove: async (uuid, key) => received(await call('DELETE', `${path}/${id(uuid)}`, keyOf(key))),
  }
}
