/**
 * A few datasources that look like a platform's: one that is active, with a schema that has changed, and one that was refused.
 */
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import type { Mooring } from '#test/support/mooring/mooring.ts'

/** Their ids. */
export interface Shop {
  readonly active: string
  readonly refused: string
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

/** Makes them. The caller drops them. */
export async function makeShop(mooring: Mooring): Promise<Shop> {
  const customer: Customer = await makeCustomer()
  const { datasources, snapshots } = mooring.client()
  const sql = (text: string) => customer.sql(text.replaceAll('READER', customer.roles.reader))
  await sql(SCHEMA)
  const register = (name: string, connectionString: string) =>
    datasources.register.mutate({ name, connectionString, schema: 'app', waitSeconds: 30 })
  const active = await register('Chandlery', customer.url())
  await snapshots.introspect.mutate({ id: active.id })
  await sql(MIGRATION)
  await snapshots.introspect.mutate({ id: active.id })
  await datasources.verify.mutate({ id: active.id, waitSeconds: 20 })
  const refused = await register('Boatyard', customer.url('superuser'))
  await register('Harbour office', customer.url('reader', { password: 'another' }))
  return { active: active.id, refused: refused.id, drop: () => customer.drop() }
}
