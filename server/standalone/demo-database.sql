-- The sample database: a ship chandler's shop, stock and support desk, to try Mooring on without a database of one's own.
-- Run once, by the owner role, in one transaction; the reader's grants stand at the end.

create schema inventory;
create schema support;

comment on schema public is 'Customers and what they order';
comment on schema inventory is 'What is on the shelves, and where it came from';
comment on schema support is 'What customers ask';

create type public.order_status as enum ('draft', 'placed', 'shipped', 'delivered', 'cancelled');

create table public.customers (
  id bigint generated always as identity primary key,
  name text not null,
  email text not null unique,
  phone text,
  marketing boolean not null default false,
  joined_at timestamptz not null default now()
);
comment on table public.customers is 'Whoever has an account';

create table public.addresses (
  id bigint generated always as identity primary key,
  customer_id bigint not null references public.customers (id) on delete cascade,
  street text not null,
  postcode text not null,
  town text not null,
  country char(2) not null check (country = upper(country)),
  unique (customer_id, street, postcode)
);

create table public.vessels (
  id bigint generated always as identity primary key,
  customer_id bigint not null references public.customers (id) on delete cascade,
  name text not null,
  length_m numeric(5, 2) not null check (length_m > 0),
  built smallint check (built between 1850 and 2100),
  tags text[] not null default '{}'
);
comment on column public.vessels.length_m is 'Length over all, in metres';

create table inventory.categories (
  id integer generated always as identity primary key,
  parent_id integer references inventory.categories (id),
  name text not null unique
);

create table inventory.suppliers (
  id integer generated always as identity primary key,
  name text not null unique,
  country char(2) not null,
  lead_days smallint not null default 7 check (lead_days >= 0)
);

create table inventory.products (
  id bigint generated always as identity primary key,
  category_id integer not null references inventory.categories (id),
  supplier_id integer not null references inventory.suppliers (id),
  sku text not null unique check (sku ~ '^[A-Z]{3}-[0-9]{4}$'),
  name text not null,
  price_cents integer not null check (price_cents >= 0),
  weight_g integer,
  details jsonb not null default '{}',
  discontinued_at date
);
create index products_category_id_idx on inventory.products (category_id) where discontinued_at is null;
create index products_details_idx on inventory.products using gin (details);

create table inventory.warehouses (
  code text primary key check (code ~ '^[A-Z]{3}$'),
  town text not null
);

create table inventory.stock_levels (
  warehouse_code text not null references inventory.warehouses (code),
  product_id bigint not null references inventory.products (id),
  on_hand integer not null check (on_hand >= 0),
  reorder_at integer not null default 10,
  primary key (warehouse_code, product_id)
);

create table inventory.deliveries (
  id uuid primary key default gen_random_uuid(),
  warehouse_code text not null,
  product_id bigint not null,
  quantity integer not null check (quantity > 0),
  arrived_on date not null,
  foreign key (warehouse_code, product_id) references inventory.stock_levels (warehouse_code, product_id)
);

create table public.orders (
  id bigint generated always as identity primary key,
  customer_id bigint not null references public.customers (id),
  address_id bigint not null references public.addresses (id),
  status public.order_status not null default 'draft',
  placed_at timestamptz,
  note text,
  check (status = 'draft' or placed_at is not null)
);
create index orders_customer_id_idx on public.orders (customer_id, placed_at desc);

create table public.order_lines (
  order_id bigint not null references public.orders (id) on delete cascade,
  line_no smallint not null,
  product_id bigint not null references inventory.products (id),
  quantity integer not null check (quantity > 0),
  unit_cents integer not null,
  total_cents integer generated always as (quantity * unit_cents) stored,
  primary key (order_id, line_no)
);

create table public.payments (
  id uuid primary key default gen_random_uuid(),
  order_id bigint not null references public.orders (id),
  amount_cents integer not null check (amount_cents > 0),
  method text not null check (method in ('card', 'invoice', 'transfer')),
  received_at timestamptz not null
);

create table support.agents (
  id integer generated always as identity primary key,
  name text not null,
  on_duty boolean not null default true
);

create table support.tickets (
  id bigint generated always as identity primary key,
  customer_id bigint not null references public.customers (id),
  order_id bigint references public.orders (id),
  agent_id integer references support.agents (id),
  subject text not null,
  confidential boolean not null default false,
  opened_at timestamptz not null,
  closed_at timestamptz check (closed_at >= opened_at)
);
create index tickets_open_idx on support.tickets (opened_at) where closed_at is null;

create table support.messages (
  id bigint generated always as identity primary key,
  ticket_id bigint not null references support.tickets (id) on delete cascade,
  from_customer boolean not null,
  body text not null,
  sent_at timestamptz not null
);

create view public.order_totals with (security_invoker = true) as
select o.id as order_id, o.customer_id, o.status, sum(l.total_cents) as total_cents, count(*) as line_count
from public.orders o
join public.order_lines l on l.order_id = o.id
group by o.id;

insert into public.customers (name, email, phone, marketing, joined_at)
select format('%s %s', first, last), lower(format('%s.%s@example.com', first, last)),
  case when n % 3 = 0 then null else format('+44 20 7946 %s', lpad(n::text, 4, '0')) end, n % 4 = 0,
  timestamptz '2025-01-06 09:00+00' + n * interval '31 hours'
from (
  select row_number() over (order by first, last) as n, first, last
  from unnest(array['Ada', 'Bram', 'Chidi', 'Dunja', 'Elif', 'Farid', 'Greta', 'Hana']) as f (first),
    unnest(array['Okafor', 'Lindqvist', 'Moreau', 'Tanaka', 'Visser']) as l (last)
) as people;

insert into public.addresses (customer_id, street, postcode, town, country)
select id, format('%s Quay Street', id * 3), format('HX%s', 1000 + id),
  (array['Harwich', 'Vlissingen', 'Brest', 'Gothenburg'])[1 + id % 4], (array['GB', 'NL', 'FR', 'SE'])[1 + id % 4]
from public.customers;

insert into public.vessels (customer_id, name, length_m, built, tags)
select id, (array['Gannet', 'Morning Tide', 'Linnet', 'Skua', 'Halcyon', 'Fulmar'])[1 + id % 6], 6 + (id * 7 % 90) / 10.0,
  1968 + id % 50, case when id % 2 = 0 then array['sail'] else array['motor', 'fishing'] end
from public.customers where id % 5 <> 0;

insert into inventory.categories (parent_id, name)
values (null, 'Deck'), (null, 'Below'), (1, 'Rope'), (1, 'Anchors'), (1, 'Paint'), (2, 'Galley'), (2, 'Navigation');

insert into inventory.suppliers (name, country, lead_days)
values ('Baltic Rope Works', 'SE', 9), ('Anker & Zoon', 'NL', 5), ('Peintures du Ponant', 'FR', 12), ('Compass House', 'GB', 3);

insert into inventory.products (category_id, supplier_id, sku, name, price_cents, weight_g, details, discontinued_at)
select 3 + n % 5, 1 + n % 4, format('%s-%s', (array['ROP', 'ANC', 'PNT', 'GLY', 'NAV'])[1 + n % 5], lpad(n::text, 4, '0')),
  format('%s no. %s', (array['Mooring line', 'Plough anchor', 'Antifouling', 'Kettle', 'Hand compass'])[1 + n % 5], n),
  495 + n * 137 % 18000, 200 + n * 91 % 15000, jsonb_build_object('colour', (array['white', 'navy', 'red'])[1 + n % 3]),
  case when n % 17 = 0 then date '2026-03-01' end
from generate_series(1, 60) as n;

insert into inventory.warehouses (code, town) values ('HAR', 'Harwich'), ('VLI', 'Vlissingen'), ('GOT', 'Gothenburg');

insert into inventory.stock_levels (warehouse_code, product_id, on_hand, reorder_at)
select w.code, p.id, (p.id * 13 + length(w.town)) % 80, 5 + p.id % 10 from inventory.warehouses w, inventory.products p;

insert into inventory.deliveries (warehouse_code, product_id, quantity, arrived_on)
select warehouse_code, product_id, 5 + on_hand / 2, date '2026-01-05' + product_id::integer
from inventory.stock_levels where product_id % 3 = 0;

insert into public.orders (customer_id, address_id, status, placed_at, note)
select c.id, a.id, (array['draft', 'placed', 'shipped', 'delivered', 'delivered', 'cancelled'])[1 + (c.id + n) % 6]::public.order_status,
  timestamptz '2026-01-12 10:00+00' + (c.id * 5 + n * 37) * interval '1 hour', case when n = 3 then 'Leave with the harbour master' end
from public.customers c join public.addresses a on a.customer_id = c.id, generate_series(1, 5) as n;

insert into public.order_lines (order_id, line_no, product_id, quantity, unit_cents)
select o.id, n, p.id, 1 + (o.id + n) % 4, p.price_cents
from public.orders o, generate_series(1, 3) as n
join inventory.products p on true where p.id = 1 + (o.id * 7 + n * 11) % 60;

insert into public.payments (order_id, amount_cents, method, received_at)
select o.id, t.total_cents, (array['card', 'invoice', 'transfer'])[1 + o.id % 3], o.placed_at + interval '2 days'
from public.orders o join public.order_totals t on t.order_id = o.id where o.status in ('shipped', 'delivered');

insert into support.agents (name, on_duty) values ('Ines', true), ('Jonas', true), ('Kwame', false);

insert into support.tickets (customer_id, order_id, agent_id, subject, confidential, opened_at, closed_at)
select customer_id, id, 1 + id % 3, (array['Where is my order?', 'Wrong colour', 'Refund, please'])[1 + id % 3], id % 9 = 0,
  placed_at + interval '4 days', case when id % 2 = 0 then placed_at + interval '6 days' end
from public.orders where id % 4 = 0;

insert into support.messages (ticket_id, from_customer, body, sent_at)
select t.id, n % 2 = 1, case when n % 2 = 1 then 'Could you look into this?' else 'We are on it.' end, t.opened_at + n * interval '3 hours'
from support.tickets t, generate_series(1, 2) as n;

-- Confidential tickets are not for the reader, nor for anyone else whom no policy names: the owner is bound as well.
alter table support.tickets enable row level security, force row level security;
create policy tickets_open_to_readers on support.tickets for select to sample_reader using (not confidential);
alter table support.messages enable row level security, force row level security;
create policy messages_follow_tickets on support.messages for select to sample_reader
  using (exists (select from support.tickets t where t.id = ticket_id));

grant usage on schema public, inventory, support to sample_reader;
grant select on all tables in schema public, inventory, support to sample_reader;
