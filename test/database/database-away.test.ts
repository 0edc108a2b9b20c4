/**
 * The errors that callers get on each surface while our own database is away: each SQLSTATE of that meaning, raised by
 * a real server in the midst of a change. Such an error is never stored as the answer of an idempotency key.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { event, type Followed, hosted, startFollowed } from '#test/support/feeds/followed.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'

let followed: Followed
let customer: Customer
let endpoint: string
beforeAll(async () => {
  ;[followed, customer] = await Promise.all([startFollowed(), makeCustomer()])
  followed.stranger.be(hosted())
  endpoint = (await followed.register('/away')).id
  await followed.run('poll', endpoint)
  await run('create sequence fault_times')
})
afterEach(() => run('drop function if exists fault() cascade; select setval($$fault_times$$, 1, false)'))
afterAll(async () => {
  await followed.stop()
  await customer.drop()
})

const run = (sql: string) => query(followed.mooring.databaseUrl, sql)

/** Makes every insert into a written table run `statement` first. */
async function failing(statement: string): Promise<void> {
  const body = `begin ${statement} return new; end`
  await run(`create or replace function fault() returns trigger language plpgsql security definer as $$ ${body} $$`)
  for (const table of ['datasources', 'feed_events'])
    await run(`create or replace trigger fault before insert on ${table} for each row execute function fault()`)
}

interface ErrorAnswer {
  readonly status: number
  readonly retryAfter: string | null
  readonly code: string
}

type Way = (headers?: Record<string, string>) => Promise<ErrorAnswer>

let count = 0
/** An unused connection string: each change uses its own. */
const connectionString = () => customer.url('reader', { database: `none_${++count}` })

async function reported(
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<ErrorAnswer & { body: string }> {
  const answer = await followed.mooring.call('POST', path, { body, headers })
  const { code, error_code: named, error } = answer.body
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    code: code ?? named ?? error?.data?.fault ?? error?.code ?? '',
    body: answer.text,
  }
}

const push: Way = (headers = {}) =>
  reported(`/v1/datasources/${endpoint}/events`, { events: [event(1000 + ++count)] }, headers)

const WAYS: Readonly<Record<string, Way>> = {
  'the datasources dialect': (headers = {}) =>
    reported('/v1/datasources', { connectionString: connectionString() }, headers),
  'the connections dialect': (headers = {}) =>
    reported(
      '/api/v1/connections',
      { name: `Away ${++count}`, db_type: 'postgresql', connection_string: connectionString() },
      headers,
    ),
  tRPC: (headers = {}) => reported('/trpc/datasources.register', { connectionString: connectionString() }, headers),
  'a push': push,
}

/** A session that counts as lost. It is still alive here, as behind a foreign table or a pooler that reports so. */
const LOST = ['08000', '08003', '08006', '57P01', '57P02']
const AWAY = ['57P03', '53300', '53100', '25006', '55P03', '57014', '25P03', '25P04', '40001', '40P01']

describe.each(Object.entries(WAYS))('By %s', (name, way) => {
  // A push is a transaction, which a lost connection undoes; a registration is one statement, whose outcome is then
  // unknown.
  const lost = name === 'a push' ? '2 service_unavailable' : 'null outcome_unknown'
  const formatted = (text: string) =>
    name === 'the connections dialect' ? text.replace(/[a-z]+_[a-z]+$/, 'SERVICE_UNAVAILABLE') : text

  it.each(AWAY)('SQLSTATE %s is a retryable 503', async sqlstate => {
    await failing(`raise exception 'away' using errcode = '${sqlstate}';`)
    const { status, retryAfter, code } = await way()
    expect([status, `${retryAfter} ${code}`]).toEqual([503, formatted('2 service_unavailable')])
  })

  it.each(LOST)('SQLSTATE %s is 503, and its connection is not used again', async sqlstate => {
    await failing(`raise exception 'away' using errcode = '${sqlstate}';`)
    const { status, retryAfter, code } = await way()
    expect([status, `${retryAfter} ${code}`]).toEqual([503, formatted(lost)])
    await run('drop function fault() cascade')
    for (let call = 0; call < 3; call += 1) expect((await way()).status).toBeLessThan(300)
  })

  it('another SQLSTATE is an internal error: 500, and none of the server’s text', async () => {
    await failing(`raise exception 'Tell-N0-one' using errcode = 'P0001';`)
    const answer = await way()
    expect(answer).toMatchObject({ status: 500, retryAfter: null })
    expect(JSON.stringify(answer)).not.toContain('Tell-N0-one')
  })

  it.each(['40001', '40P01'])('SQLSTATE %s once stays invisible: the transaction runs once more', async sqlstate => {
    await failing(
      `if nextval('public.fault_times') = 1 then raise exception 'again' using errcode = '${sqlstate}'; end if;`,
    )
    expect((await way()).status).toBeLessThan(300)
  })

  it('a connection lost in the midst of a change is 503, and the next call is served', async () => {
    await failing('perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(5);')
    const { status, retryAfter, code } = await way()
    expect([status, `${retryAfter} ${code}`]).toEqual([503, formatted(lost)])
    await run('drop function fault() cascade')
    expect((await way()).status).toBeLessThan(300)
  })
})

describe('A repeat with the same idempotency key', () => {
  it.each(Object.entries(WAYS).slice(0, 3))('after a 503 is executed, by %s', async (_name, way) => {
    const key = { 'Idempotency-Key': `key-${++count}` }
    // The same body both times.
    const before = count
    await failing(`raise exception 'away' using errcode = '53100';`)
    expect((await way(key)).status).toBe(503)
    await run('drop function fault() cascade')
    count = before
    expect((await way(key)).status).toBeLessThan(300)
  })
})
