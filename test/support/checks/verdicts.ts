/**
 * Waits for the worker's results,
 * woken by the product's own notifications, so that no test has to sleep.
 */
import pg from 'pg'

/** Calls `look` now and at every notification in the database at `url`, until it returns a result. */
export async function onNotification<T>(url: string, look: (client: pg.Client) => Promise<T | undefined>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('listen mooring_news')
    return await onNotificationOf(client, look)
  } finally {
    await client.end()
  }
}

/** The same over a connection that listens already. */
async function onNotificationOf<T>(client: pg.Client, look: (client: pg.Client) => Promise<T | undefined>): Promise<T> {
  let notifications = Promise.withResolvers<void>()
  const note = () => notifications.resolve()
  client.on('notification', note)
  try {
    for (;;) {
      notifications = Promise.withResolvers()
      const found = await look(client)
      if (found !== undefined) return found
      await notifications.promise
    }
  } finally {
    client.off('notification', note)
  }
}

/** Resolves once the last requested check, and the comparison of a submitted credential, have been settled. */
export async function settled(url: string, uuid: string): Promise<void> {
  await onNotification(url, async client => {
    const { rows } = await client.query(
      `select count(*) filter (where kind = 'verify')::int as checks, count(*) filter (where settled < requested)::int as due
       from tasks where datasource_id = $1 and kind in ('verify', 'compare')`,
      [uuid],
    )
    return rows[0]?.checks === 1 && rows[0].due === 0 ? true : undefined
  })
}

/**
 * Resolves once the worker is idle: every requested task is settled, besides those of a kind that go on for long. `at`
 * is the database, or a connection to it that listens to `mooring_news`.
 */
export async function quiet(at: string | pg.Client, besides = ''): Promise<void> {
  const isIdle = async (client: pg.Client) => {
    const { rowCount } = await client.query(
      `select id from tasks where (standing and settled < requested and (due_at <= now() or locked_until is not null))
         or (not standing and outcome is null and kind <> $1)`,
      [besides],
    )
    return rowCount === 0 ? true : undefined
  }
  await (typeof at === 'string' ? onNotification(at, isIdle) : onNotificationOf(at, isIdle))
}
