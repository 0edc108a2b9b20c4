/**
 * A Mooring beside a customer's endpoint: it trusts the endpoint's authority, resolves it by its DNS server, and
 * follows its feed as in production. Tests make polls due on demand, so that none has to wait for the pace of a feed.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createListener } from '#client/endpoint.ts'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, type MooringOptions, startMooring } from '#test/support/mooring/mooring.ts'
import { KEY, type Mood, type Stranger, startStranger } from './stranger.ts'

/** A Mooring and the endpoint that it follows. */
export interface Followed {
  readonly mooring: Mooring
  readonly stranger: Stranger
  /** The URL of the endpoint; another path is another endpoint of the same customer. */
  url(path?: string): string
  /** Registers the endpoint over tRPC, waits for the verdict, and returns the datasource of that moment. */
  register(path?: string): Promise<{ id: string; status: string }>
  /** Makes a datasource's task due now, and resolves after it has run. */
  run(kind: 'poll' | 'verify', id: string): Promise<void>
  /** The datasource in the datasources dialect. */
  shown(id: string): Promise<Record<string, unknown>>
  /** Ids of the stored events in their order, tombstones included. */
  stored(id: string): Promise<string[]>
  /** The environment of a separate worker process. */
  readonly workerEnv: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** Starts both. The caller stops them. */
export async function startFollowed(options: MooringOptions = {}): Promise<Followed> {
  const stranger = await startStranger()
  const dir = await mkdtemp(join(tmpdir(), 'mooring-ca-'))
  const ca = join(dir, 'ca.pem')
  await writeFile(ca, stranger.authority.cert)
  const env = { MOORING_EXTRA_CA: ca, MOORING_DNS_SERVERS: stranger.dns, ...options.env }
  const mooring = await startMooring({ ...options, env })
  const url = (path = '/source') => `https://api.acme.io:${stranger.port}${path}`
  const register = (path?: string) => registered(mooring, url(path))
  // The first dial waits for its process, which may take a while and is not under test.
  if (options.worker !== false) await warmUp(mooring, await register('/warm-up'))
  return {
    mooring,
    stranger,
    url,
    register,
    run: (kind, id) => runNow(mooring.databaseUrl, { kind, uuid: bareUuid(id) }),
    shown: async id => (await mooring.call('GET', `/v1/datasources/${id}`)).body,
    stored: async id => {
      const sql = `select event_id from feed_events where datasource_id = '${bareUuid(id)}' order by position`
      return (await query(mooring.databaseUrl, sql)).map(row => String(row['event_id']))
    },
    workerEnv: {
      ...env,
      DATABASE_URL: mooring.databaseUrl,
      MOORING_KEYRING: join(mooring.config.keyring, 'worker.json'),
      MOORING_ALLOWED_NETWORKS: '127.0.0.0/8',
    },
    stop: async () => {
      await mooring.stop()
      await stranger.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Registers an endpoint and returns it once there is a verdict. */
async function registered(mooring: Mooring, endpoint: string): Promise<{ id: string; status: string }> {
  const { id } = await mooring.client().datasources.register.mutate({ endpoint, signingKey: KEY })
  const sql = `select status from datasources where id = $1 and status <> 'unverified'`
  return onNotification(mooring.databaseUrl, async client => {
    const { rows } = await client.query<{ status: string }>(sql, [bareUuid(id)])
    return rows[0] === undefined ? undefined : { id, status: rows[0].status }
  })
}

async function warmUp(mooring: Mooring, { id }: { id: string }): Promise<void> {
  await mooring.call('DELETE', `/v1/datasources/${id}`)
}

async function runNow(databaseUrl: string, task: { kind: string; uuid: string }): Promise<void> {
  await onNotification(databaseUrl, async client => {
    const where = `datasource_id = '${task.uuid}' and kind = '${task.kind}' and standing`
    const { rows } = await client.query(
      `update tasks set due_at = now(), requested = requested + 1 where ${where} returning requested`,
    )
    await client.query('notify mooring_work')
    if (rows[0] === undefined) throw new Error(`there is no ${task.kind} task`)
    await onNotification(databaseUrl, async other => {
      const { rowCount } = await other.query(`select id from tasks where ${where} and settled >= $1`, [
        rows[0].requested,
      ])
      return rowCount === 1 ? true : undefined
    })
    return true
  })
}

/** One event of a feed. */
export const event = (n: number, more: object = {}) => ({
  id: `e${n}`,
  model: 'task',
  entityId: String(n),
  type: 'UPDATE' as const,
  occurredAt: 1_795_305_600_000 + n,
  ...more,
})

/** Events with the numbers from `from` up to, not including, `to`. */
export const events = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => event(from + at))

/** The ids of the events with the numbers from `from` up to, not including, `to`. */
export const ids = (from: number, to: number) => events(from, to).map(one => one.id)

/** The parts of a customer's endpoint. */
export interface Hosted {
  /** Called at each request: the value may change meanwhile. */
  readonly signingKey?: () => string
  /** The number of events, each a number. */
  readonly count?: () => number
  readonly nowSeconds?: () => number
}

/** An endpoint as a customer hosts it with our own package: it checks signatures and answers from its events. */
export function hosted({ signingKey = () => KEY, count = () => 0, nowSeconds }: Hosted = {}): Mood {
  return async (response, { method, headers, body }) => {
    const answer = createListener({
      signingKey: signingKey(),
      ...(nowSeconds === undefined ? {} : { nowSeconds }),
      events: async ({ cursor, limit }) => {
        const from = Number(cursor ?? 0)
        const end = Math.min(count(), from + limit)
        return end > from ? { events: events(from, end), nextCursor: String(end) } : { events: [] }
      },
    })
    await answer({ method, headers, body: Buffer.from(body), async *[Symbol.asyncIterator]() {} }, response)
  }
}
