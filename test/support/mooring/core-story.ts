/**
 * The registry's main job over processes of an installation: registered, verified, replayed, watched, leased, removed.
 * For tests that run it on another database, or over another connection to it, than most.
 */
import { randomUUID } from 'node:crypto'
import { withDatasource } from '#client/node.ts'
import { watchDatasources } from '#test/support/changes/event-stream.ts'
import { leaseCapability, verifyKeysOf } from '#test/support/keys/leasing.ts'
import type { Customer } from './customer.ts'
import type { TierProcess, Tiers } from './tiers.ts'

/** The results of the story. */
export interface CoreStory {
  readonly ready: number
  readonly status: string
  /** The answers to a repeat under the same idempotency key, through each web process, have the first one's id. */
  readonly isReplayed: boolean
  readonly told: readonly string[]
  /** The name of the database that a lease led to. */
  readonly leasedFrom: string
  readonly isGone: boolean
}

/** The results when nothing is wrong. */
export const CORE_STORY = {
  ready: 200,
  status: 'active',
  isReplayed: true,
  told: ['registered', 'verified', 'updated', 'removed'],
  isGone: true,
} as const

/** Runs the story: calls go to the first process, the last one watches and repeats. A worker runs. */
export async function liveCoreStory(
  tiers: Tiers,
  webs: readonly [TierProcess, ...TierProcess[]],
  customer: Customer,
): Promise<CoreStory> {
  const [first, last] = [webs[0], webs.at(-1) ?? webs[0]]
  const [url, otherUrl] = [await tiers.urlOf(first), await tiers.urlOf(last)]
  const stream = await watchDatasources({ url: otherUrl, key: tiers.organization.testKey })
  const client = await tiers.client(first, { seal: false })
  const other = await tiers.client(last, { seal: false })
  const registering = { connectionString: customer.url(), schema: 'app', idempotencyKey: randomUUID(), waitSeconds: 30 }
  const made = await client.datasources.register.mutate(registering)
  const repeated = await other.datasources.register.mutate(registering)
  const keyring = await tiers.keyring()
  const token = await leaseCapability({ db: tiers.db, keyring, organization: tiers.organization }, { ids: [made.id] })
  const holder = await tiers.client(first, { key: token })
  const leasedFrom = await withDatasource(
    holder,
    { id: made.id, verifyKeys: verifyKeysOf({ keyring }), ttlSeconds: 60 },
    async pool => String((await pool.query('select current_database() as name')).rows[0]?.name),
  )
  await client.datasources.update.mutate({ id: made.id, name: 'Renamed' })
  await client.datasources.remove.mutate({ id: made.id })
  await stream.first(({ event, text }) => event === 'message' && JSON.parse(text).change === 'removed')
  const gone = await other.datasources.get.query({ id: made.id }).catch(() => null)
  const ready = await fetch(`${url}/readyz`)
  await stream.close()
  return {
    ready: ready.status,
    status: made.status,
    isReplayed: repeated.id === made.id,
    told: stream.messages.map(({ text }) => String(JSON.parse(text).change)),
    leasedFrom,
    isGone: gone === null,
  }
}
