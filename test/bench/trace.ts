/**
 * `npm run trace`: the product files and functions that one warm request enters, for a registration and a read on each
 * surface, over HTTP to a web tier in this process. With `DATABASE_URL` it uses that migrated database and prints JSON.
 */
import { migrate } from '#server/store/installation/migrate.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { type Entered, trace } from '#test/support/house/trace.ts'
import { startMooring } from '#test/support/mooring/mooring.ts'

await using cleanup = new AsyncDisposableStack()
const given = process.env['DATABASE_URL']
const found = await traceAll(given ?? (await ownDatabase()))
process.stdout.write(given === undefined ? textOf(found) : JSON.stringify(found))

async function ownDatabase(): Promise<string> {
  const server = await startServer()
  cleanup.defer(() => server.stop())
  const url = await server.createDatabase('trace')
  await migrate(url)
  return url
}

async function traceAll(databaseUrl: string): Promise<Record<string, Entered[]>> {
  const mooring = await startMooring({ databaseUrl, worker: false })
  cleanup.defer(() => mooring.stop())
  let count = 0
  const string = () => {
    count += 1
    return `postgresql://app:secret@db.acme.io/shop_${count}`
  }
  const send = async (method: string, path: string, body?: object) => {
    const answer = await mooring.call(method, path, { body })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.body
  }
  const plain = { name: 'shop', db_type: 'postgresql' }
  const connection = await send('POST', '/api/v1/connections', { ...plain, connection_string: string() })
  const datasource = await send('POST', '/v1/datasources', { connectionString: string() })
  const input = encodeURIComponent(JSON.stringify({ id: datasource.id }))
  return {
    'register, datasources': await trace(() => send('POST', '/v1/datasources', { connectionString: string() })),
    'register, connections': await trace(() =>
      send('POST', '/api/v1/connections', { ...plain, connection_string: string() }),
    ),
    'register, trpc': await trace(() => send('POST', '/trpc/datasources.register', { connectionString: string() })),
    'read, datasources': await trace(() => send('GET', `/v1/datasources/${datasource.id}`)),
    'read, connections': await trace(() => send('GET', `/api/v1/connections/${connection.data.id}`)),
    'read, trpc': await trace(() => send('GET', `/trpc/datasources.get?input=${input}`)),
  }
}

function textOf(all: Record<string, Entered[]>): string {
  const lines = Object.entries(all).flatMap(([name, entered]) => [
    `${name}: ${entered.length} files, ${entered.flatMap(({ functions }) => functions).length} functions`,
    ...entered.map(({ file, functions }) => `  ${file}: ${functions.join(', ')}`),
    '',
  ])
  return lines.join('\n')
}
