/**
 * Finds out whether what stands between us and our own database keeps sessions. A pooler in transaction mode hands a
 * connection on after each transaction: wakes would be heard by nobody, and settings would go to strangers.
 *
 * Asked once, when a process starts.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { parseDatabaseUrl } from '#server/domain/database-url.ts'
import { OwnPlaces } from './own-places.ts'

const CONNECT_MS = 10_000
const ROUNDS = 3
/** Any role may set a setting of a class that no module has taken. */
const SETTING = 'mooring.session'

/**
 * True where a session stays ours. Two clients take turns: one leaves a word in its session; where the other one finds it, or
 * the first one does not, the server's connections are handed on.
 */
export async function keepsSessions(url: string): Promise<boolean> {
  const places = new OwnPlaces(parseDatabaseUrl(url), Math.random)
  await using stack = new AsyncDisposableStack()
  const [mine, other] = [await connect(stack, places), await connect(stack, places)]
  for (let round = 0; round < ROUNDS; round += 1) {
    const word = randomUUID()
    await mine.query('select set_config($1, $2, false)', [SETTING, word])
    // A transaction holds the connection that a pooler gave back last, so that the next statement gets another one.
    await other.query('begin')
    const leaked = await wordIn(other)
    const kept = leaked === word ? null : await wordIn(mine)
    await other.query('select set_config($1, $2, false)', [SETTING, ''])
    await other.query('commit')
    if (kept !== word) return false
  }
  return true
}

async function wordIn(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query('select current_setting($1, true) as word', [SETTING])
  return rows[0]?.word
}

async function connect(stack: AsyncDisposableStack, places: OwnPlaces): Promise<pg.Client> {
  for (let tries = 1; ; tries += 1) {
    const attempt = places.current()
    const client = new pg.Client({ ...places.options(attempt), connectionTimeoutMillis: CONNECT_MS })
    places.tried(client, attempt)
    // What breaks fails the statement under way.
    client.on('error', () => undefined)
    try {
      await client.connect()
      stack.defer(() => client.end())
      return client
    } catch (error) {
      places.failed(client)
      if (tries >= places.size) throw error
    }
  }
}
