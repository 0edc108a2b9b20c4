/**
 * A few datasources that look like those of a platform: an active one whose schema has changed, a rejected one, and an
 * endpoint with events.
 */
import { query } from '#test/support/database/postgres.ts'
import { type Followed, hosted } from '#test/support/feeds/followed.ts'
import { KEY } from '#test/support/feeds/stranger.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'

/** The ids of the datasources. */
export interface Shop {
  readonly active: string
  readonly refused: string
  readonly endpoint: string
  drop(): Promise<void>
}

const SCHEMA = `
  create table app.customers (id int primary key, email text not null unique, name text);
  create table app.products (id int primary key, sku text not null unique, price numeric(10, 2) not null check (price >= 0));
  create table app.order_lines (
    order_id int not null references app.orders, line int not null, product_id int not null references app.products,
    quantity int not null, primary key (order_id, line));
  create index order_lines_product_idx on app.order_lines (product_id);
  alter table app.orders add column customer_id int references app.customers, add column legacy_code text;
  grant select on all tables in schema app to READER`

const MIGRATION = `
  alter table app.orders drop column legacy_code;
  alter table app.products alter column price type numeric(12, 2);
  alter table app.customers add column phone text;
  create table app.vessels (id int primary key, name text not null, customer_id int references app.customers);
  grant select on app.vessels to READER`

/** Models and types of the endpoint's events, each with its delay in seconds. */
const EVENTS = [
  ['order', 'CREATE', 2.1],
  ['order', 'UPDATE', 0.8],
  ['customer', 'UPDATE', 4.6],
  ['order', 'UPDATE', 1.4],
  ['invoice', 'CREATE', 9.3],
  ['customer', 'CREATE', 3.2],
  ['order', 'ARCHIVE', 17.5],
  ['invoice', 'UPDATE', 1.1],
] as const

const ROUNDS = 4
const BETWEEN_MS = 40_000

/** Returns how long before the last event an event occurred. */
const before = (round: number, at: number) => BETWEEN_MS * ((ROUNDS - round) * EVENTS.length - 1 - at)

const OTHERS = ['Rigging', 'Sail loft', 'Ferry line', 'Lighthouse', 'Dry dock', 'Pilotage']

/**
 * Checks of the last hour, one every 80 seconds; one in eleven did not reach the server. Without them, the charts would
 * show only the two checks of this test.
 */
const HISTORY = `
  insert into verifications (org_id, id, datasource_id, version, outcome, reason, checks, advisories, took_ms, at)
  select d.org_id, (lpad(to_hex((extract(epoch from past.at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
    d.id, 1, case when n % 11 = 7 then 'unreachable' else 'passed' end,
    case when n % 11 = 7 then 'database_unreachable' end, case when n % 11 = 7 then UNREACHED else d.latest_checks end, '[]',
    case when n % 11 = 7 then 400 else 30 + (n * 37) % 29 + (n * n) % 17 end, past.at
  from datasources d, generate_series(1, 42) as n cross join lateral (select now() - n * interval '80 s' as at) as past
  where d.id = $ID`

const UNREACHED = `'[{"item":"host","outcome":"pass"},{"item":"connect","outcome":"fail","actual":"no answer","fix":"Open the port."}]'`

/** Creates the datasources. The caller drops them. */
export async function makeShop({ mooring, stranger, url }: Followed): Promise<Shop> {
  const customer: Customer = await makeCustomer()
  const { datasources, snapshots, feeds } = mooring.client()
  const sql = (text: string) => customer.sql(text.replaceAll('READER', customer.roles.reader))
  await sql(SCHEMA)
  const register = (name: string, connectionString: string) =>
    datasources.register.mutate({ name, connectionString, schema: 'app', waitSeconds: 30 })
  const active = await register('Chandlery', customer.url())
  await snapshots.introspect.mutate({ id: active.id })
  await sql(MIGRATION)
  await snapshots.introspect.mutate({ id: active.id })
  await datasources.verify.mutate({ id: active.id, waitSeconds: 20 })
  const history = HISTORY.replace('$ID', `'${bareUuid(active.id)}'`).replace('UNREACHED', UNREACHED)
  await query(mooring.databaseUrl, history)
  const refused = await register('Boatyard', customer.url('superuser'))
  for (const name of OTHERS)
    await register(name, customer.url('reader', { parameters: `application_name=${encodeURIComponent(name)}` }))
  await register('Harbour office', customer.url('reader', { password: 'another' }))
  stranger.be(hosted())
  const signed = { endpoint: url('/events'), signingKey: KEY, name: 'Ship’s log', waitSeconds: 30 }
  const endpoint = await datasources.register.mutate(signed)
  for (let round = 0; round < ROUNDS; round += 1)
    await feeds.push.mutate({ id: endpoint.id, body: JSON.stringify({ events: eventsOf(round) }) })
  await query(mooring.databaseUrl, SPREAD)
  return { active: active.id, refused: refused.id, endpoint: endpoint.id, drop: () => customer.drop() }
}

/** Spreads the events over 20 minutes. */
const SPREAD = `
  update feed_events e set stored_at = e.stored_at - (f.position - e.position) * interval '40 s'
  from feeds f where f.org_id = e.org_id and f.datasource_id = e.datasource_id`

function eventsOf(round: number) {
  return EVENTS.map(([model, type, seconds], at) => ({
    id: `evt_${round}_${at}`,
    entityId: `${model}_${1_000 + 17 * at + round}`,
    ...{ model, type },
    occurredAt: Date.now() - Math.round(seconds * 1_000 * (1 + round / 3)) - before(round, at),
    data: { status: type === 'CREATE' ? 'open' : 'changed', total: 40 + 3 * at },
  }))
}
