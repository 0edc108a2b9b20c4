/**
 * Other clients of our own server: they take every connection, leave a transaction open in our database, or lock rows
 * that one organization writes.
 */
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import type { Fault } from '#test/faults/fault.ts'
import type { Scene } from '#test/faults/scene.ts'
import { query } from '#test/support/database/postgres.ts'

const AT_ONCE = 30
const AGAIN_MS = 20

/** Connects repeatedly as a role without privileges, and keeps every connection. */
async function crowd(url: string, isOver: () => boolean): Promise<pg.Client[]> {
  const held: pg.Client[] = []
  const one = async () => {
    while (!isOver()) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => undefined)
      const isIn = await client.connect().then(
        () => true,
        () => false,
      )
      if (isIn) held.push(client)
      else await wait(AGAIN_MS)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return held
}

async function strangerUrl({ server }: Scene): Promise<string> {
  await query(server.url(), `create role stranger login password 'stranger'`)
  const url = new URL(server.url('postgres'))
  url.username = 'stranger'
  url.password = 'stranger'
  return url.href
}

/** Every connection is taken, including ours: a stranger takes each one that ends. */
export const exhausted: Fault = {
  name: 'connections exhausted',
  withinSeconds: 20,
  isUnready: true,
  lastsSeconds: 18,
  scene: async () => ({ server: { settings: { max_connections: '60' } } }),
  async begin(scene) {
    const url = await strangerUrl(scene)
    let isOver = false
    const crowding = crowd(url, () => isOver)
    const { web, worker } = scene.tiers.role
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where usename in ('${web}', '${worker}')`
    const timer = setInterval(() => void query(scene.server.url('postgres'), end).catch(() => undefined), AGAIN_MS)
    return async () => {
      clearInterval(timer)
      isOver = true
      await Promise.all((await crowding).map(client => client.end()))
    }
  },
}

/** A transaction that has written something and does not end. */
export const openTransaction: Fault = {
  name: 'stranger’s open transaction',
  withinSeconds: 20,
  sparesMeanwhile: 'everyone',
  lastsSeconds: 4,
  async begin({ server }) {
    const client = new pg.Client({ connectionString: server.url() })
    await client.connect()
    await client.query('begin; create table left_open (n int); insert into left_open values (1)')
    return async () => {
      await client.query('rollback')
      await client.end()
    }
  },
}

/** A lock on one organization's order of changes: its writes wait and are refused, and the others are served. */
export const organizationLocked: Fault = {
  name: 'one organization locked',
  withinSeconds: 20,
  sparesMeanwhile: 'others',
  lastsSeconds: 6,
  // Twice the time for which a statement waits for a lock.
  feltAfterSeconds: 4,
  async begin({ server, tiers }) {
    const client = new pg.Client({ connectionString: server.url() })
    await client.connect()
    await client.query('begin')
    const { rowCount } = await client.query('select from change_heads where org_id = $1 for update', [
      tiers.organization.id,
    ])
    if (rowCount !== 1) throw new Error('the organization has no order of changes')
    return async () => {
      await client.query('rollback')
      await client.end()
    }
  },
}
