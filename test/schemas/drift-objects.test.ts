/**
 * Objects other than tables, and parts of tables other than columns, changed on a real server: pairs of a change that
 * must be reported and one that must not, such as another owner, a comment, a reloaded dump, or the same body under
 * another search path.
 */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { drift } from '#shared/schemas/drift/drift.ts'
import { databaseUrl, query } from '#test/support/database/postgres.ts'
import { readCatalog } from '#test/support/schemas/catalog.ts'

const NAME = 'drift_objects'
const admin = inject('adminUrl')
const url = databaseUrl(admin, NAME)

beforeAll(async () => {
  await query(admin, `create database ${NAME}`)
})
afterAll(() => query(admin, `drop database ${NAME} with (force)`))

let count = 0
/** Each pair in its own schema: every change with its class. */
async function changes(before: string, after: string): Promise<string[]> {
  count += 1
  const schema = `pair_${count}`
  const own = (sql: string) => `set search_path = ${schema}, public; ${sql}`
  const read = () => readCatalog(url, { schemas: [schema], excludedSchemas: [] })
  await query(url, `create schema ${schema}`)
  await query(url, own(before))
  const was = await read()
  await query(url, own(after))
  const found = drift(was, await read())
  await query(url, `drop schema ${schema} cascade`)
  return found.map(it => `${it.class}: ${it.object} ${it.what ?? it.kind}`)
}

const T = 'create table t (id int primary key, a int, b int, c text);'
const F = `create function f(n int) returns int language sql immutable as 'select n + 1';`
const PART = `create table p (id int, day date not null default '2025-01-01', n int) partition by range (day);
  create table p1 partition of p for values from ('2025-01-01') to ('2026-01-01');`

describe('What must not be told', () => {
  it.each([
    ['another owner', T, 'alter table t owner to pg_monitor; alter schema public owner to pg_database_owner'],
    ['another grant to others', T, 'grant select on t to pg_monitor'],
    [
      'statistics, storage and compression of columns',
      T,
      'alter table t alter a set statistics 5, alter c set storage plain',
    ],
    ['a table that is rewritten', T, 'insert into t values (1); cluster t using t_pkey; truncate t; analyze t'],
    ['an index built again', `${T} create index i on t (a)`, 'drop index i; create index i on t (a)'],
    ['a function created again', F, `drop function f; ${F}`],
    ['a function with other costs', F, 'alter function f(int) cost 7'],
    [
      'a view created again',
      `${T} create view v as select a from t`,
      'create or replace view v as select   a   from t',
    ],
    [
      'a check created again',
      `${T} alter table t add constraint k check (a > 0 and b > 0 and c <> '')`,
      `alter table t drop constraint k; alter table t add constraint k check ((a > 0) and ((b > 0) and (c <> '')))`,
    ],
    ['an enum created again', `create type e as enum ('a', 'b')`, `drop type e; create type e as enum ('a', 'b')`],
    [
      'a trigger created again',
      `${T} create trigger g before update on t for each row execute function suppress_redundant_updates_trigger()`,
      'drop trigger g on t; create trigger g before update on t for each row execute procedure suppress_redundant_updates_trigger()',
    ],
    [
      'a collation created again',
      `create collation k (provider = icu, locale = 'de')`,
      `drop collation k; create collation k (locale = 'de', provider = icu)`,
    ],
    [
      'statistics created again',
      `${T} create statistics s on a, b from t`,
      'drop statistics s; create statistics s on a, b from t; alter statistics s set statistics 9',
    ],
    [
      'an operator created again',
      'create operator === (leftarg = int, rightarg = int, function = int4eq)',
      'drop operator === (int, int); create operator === (leftarg = int, rightarg = int, function = int4eq)',
    ],
    [
      'a partition made again',
      PART,
      `drop table p1; create table p1 (id int, day date not null default '2025-01-01', n int); alter table p attach partition p1 for values from ('2025-01-01') to ('2026-01-01')`,
    ],
    ['a sequence that drew numbers', 'create sequence s', `select nextval('s'); alter sequence s restart with 7`],
    [
      'a materialized view that is filled',
      `${T} create materialized view m as select a from t with no data`,
      'refresh materialized view m',
    ],
  ])('%s', async (_, before, after) => expect(await changes(before, after)).toEqual([]))
})

describe('What must be told', () => {
  it.each([
    ['operators', '', 'create operator === (leftarg = int, rightarg = int, function = int4eq)', ['risky: other added']],
    [
      'operators that are gone',
      'create operator === (leftarg = int, rightarg = int, function = int4eq)',
      'drop operator === (int, int)',
      ['breaking: other removed'],
    ],
    [
      'operators that do something else',
      'create operator === (leftarg = int, rightarg = int, function = int4eq)',
      'drop operator === (int, int); create operator === (leftarg = int, rightarg = int, function = int4ne)',
      ['risky: other hash'],
    ],
    [
      'collations',
      `create collation k (provider = icu, locale = 'de')`,
      `drop collation k; create collation k (provider = icu, locale = 'fr')`,
      ['risky: other definition'],
    ],
    ['statistics', `${T} create statistics s on a, b from t`, 'drop statistics s', ['safe: other removed']],
    [
      'text search',
      'create text search configuration w (copy = simple)',
      'alter text search configuration w drop mapping for word',
      ['risky: other hash'],
    ],
    [
      'default privileges',
      '',
      'alter default privileges in schema :s grant select on tables to public',
      ['risky: other added'],
    ],
    [
      'aggregates',
      'create aggregate g (int) (sfunc = int4pl, stype = int)',
      'drop aggregate g (int); create aggregate g (int) (sfunc = int4mul, stype = int)',
      ['risky: function hash'],
    ],
    [
      'the body of a function',
      F,
      `create or replace function f(n int) returns int language sql immutable as 'select n + 2'`,
      ['risky: function hash'],
    ],
    ['settings of a function', F, 'alter function f(int) set work_mem = 64', ['risky: function settings']],
    ['a leakproof function', F, 'alter function f(int) leakproof', ['risky: function leakproof']],
    ['a parallel function', F, 'alter function f(int) parallel safe', ['risky: function parallel']],
    ['keys of a partition alone', PART, 'create unique index i on p1 (n)', ['risky: partition own']],
    ['defaults of a partition alone', PART, 'alter table p1 alter n set default 5', ['risky: partition own']],
    [
      'triggers of a partition alone',
      PART,
      'create trigger g before update on p1 for each row execute function suppress_redundant_updates_trigger()',
      ['risky: partition own'],
    ],
    ['comments of a partition', PART, `comment on table p1 is 'x'`, ['safe: partition own']],
    ['storage', T, 'alter table t set (fillfactor = 70)', ['safe: relation storage']],
    [
      'a table that becomes one of a type',
      'create type y as (a int); create table t (a int)',
      'alter table t of y',
      ['risky: relation ofType'],
    ],
    [
      'a not null that has another name',
      'create table t (a int not null)',
      'alter table t rename constraint t_a_not_null to k',
      ['safe: column notNullName'],
    ],
    [
      'an unlogged table with its sequence',
      'create table t (id serial)',
      'alter table t set unlogged',
      ['risky: relation unlogged', 'safe: sequence unlogged'],
    ],
    [
      'comments of triggers, rules and policies',
      `${T} create trigger g before update on t for each row execute function suppress_redundant_updates_trigger(); create policy y on t; create rule r as on delete to t do also nothing`,
      `comment on trigger g on t is 'x'; comment on policy y on t is 'x'; comment on rule r on t is 'x'`,
      ['safe: policy comment', 'safe: trigger comment', 'safe: rule comment'],
    ],
    [
      'a sequence of a column that has another name',
      'create table t (id serial)',
      'alter sequence t_id_seq rename to numbers',
      ['safe: column default', 'safe: sequence added', 'risky: sequence removed'],
    ],
    [
      'a sequence of a column that gives way to another one',
      'create table t (id serial)',
      `create sequence numbers as int increment 2 owned by t.id; alter table t alter id set default nextval('numbers');
       drop sequence t_id_seq`,
      ['risky: column default', 'safe: sequence added', 'risky: sequence removed'],
    ],
    [
      'an enum with another name and one label more',
      `create type e as enum ('a', 'b'); create table t (v e)`,
      `alter type e rename to f; alter type f add value 'c'`,
      ['risky: column type', 'risky: enum removed', 'safe: enum added'],
    ],
    [
      'an enum with another name and one label less',
      `create type e as enum ('a', 'b'); create table t (v e)`,
      `create type f as enum ('a'); alter table t alter v type f using v::text::f; drop type e`,
      ['breaking: column type', 'breaking: enum removed', 'safe: enum added'],
    ],
    [
      'a function that takes one argument more, which has a default',
      F,
      `drop function f; create function f(n int, m int default 2) returns int language sql immutable as 'select n + m'`,
      ['risky: function removed', 'safe: function added'],
    ],
    [
      'a function that takes one argument more, which has none',
      F,
      `drop function f; create function f(n int, m int) returns int language sql immutable as 'select n + m'`,
      ['breaking: function removed', 'safe: function added'],
    ],
    [
      'a function that returns something else and takes one argument more',
      F,
      `drop function f; create function f(n int, m int default 2) returns text language sql immutable as 'select null'`,
      ['breaking: function removed', 'safe: function added'],
    ],
    [
      'policies that now apply to the owner',
      `${T} alter table t enable row level security; create policy y on t using (a > 0)`,
      'alter table t force row level security',
      ['risky: relation rowSecurityForced'],
    ],
    [
      'policies that now apply to the owner, none of which lets a row through',
      `${T} alter table t enable row level security`,
      'alter table t force row level security',
      ['breaking: relation rowSecurityForced'],
    ],
    [
      'policies that would apply to the owner if row-level security were on',
      T,
      'alter table t force row level security',
      ['safe: relation rowSecurityForced'],
    ],
  ])('%s', async (...[, before, after, expected]) => {
    const schema = `pair_${count + 1}`
    expect(await changes(before, after.replaceAll(':s', schema))).toEqual(expected)
  })
})
