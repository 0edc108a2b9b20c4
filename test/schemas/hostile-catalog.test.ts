/**
 * Catalogs made to harm their reader: sizes, names, code that tries to run, and rows that no server sends for our
 * query.
 */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogSql } from '#server/net/catalog/catalog.ts'
import { createCatalogReader } from '#server/net/catalog/catalog-reader.ts'
import { Fault } from '#shared/faults/fault.ts'
import { query, startServer, type TestServer } from '#test/support/database/postgres.ts'
import {
  AMPLE,
  asRole,
  catalogRows,
  EVERYTHING,
  fingerprintOf,
  readCatalog,
  relationIn,
  schemaIn,
} from '#test/support/schemas/catalog.ts'

const MIB = 1 << 20

let server: TestServer
beforeAll(async () => {
  server = await startServer()
  await server.query("create role reader login password 'reader'")
})
afterAll(() => server?.stop())

/** A database made by the given statements, as the role without any objects sees it. */
async function database(name: string, sql: string): Promise<string> {
  const url = await server.createDatabase(name)
  await query(url, sql)
  return asRole(url, 'reader')
}

function faultOf(action: () => unknown): Fault {
  try {
    action()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a catalog of excessive size', () => {
  it('of 100,000 empty schemas is read whole', async () => {
    const url = await database(
      'schemas',
      `do $$ begin for i in 1..100000 loop execute 'create schema s' || i; end loop; end $$;
       grant usage on schema s77777 to reader`,
    )
    const seen = await readCatalog(url)
    expect(seen.schemas.map(({ name }) => name)).toEqual(['public', 's77777'])
    expect(seen.observed.hidden).toMatchObject({ schemas: 99_999 })
    const own = await readCatalog(
      url.replaceAll('reader', 'postgres').replace(/:[^:@/]+@/, `:${new URL(server.adminUrl).password}@`),
    )
    expect(own.schemas).toHaveLength(100_001)
  })

  it('has its comments and expressions truncated, marked with length and hash, and no row over 1 MiB', async () => {
    const url = await database(
      'texts',
      `create function public.fill() returns text language sql as 'select repeat(''🐘'', 262144)';
      do $$ declare big text := repeat('🐘', 262144); begin
        execute format('create table wide (%s)', (select string_agg(format('c%s text', i), ',') from generate_series(1, 1600) i));
        execute format('create type mood as enum (%s)', (select string_agg(quote_literal('label ' || i), ',') from generate_series(1, 5000) i));
        execute format('create view long as select %L as a', big);
        execute format('create table t (a text default %L check (a <> %L), id integer)', big, big);
        execute format('create index i on t (id) where a <> %L', left(big, 20000));
        execute format('create policy p on t using (a <> %L)', big);
        execute format('comment on table t is %L', big);
        execute format('comment on column t.a is %L', big);
        execute format('comment on schema public is %L', big);
        execute format('comment on type mood is %L', big);
        execute format('create domain d as text default %L check (value <> %L)', big, big);
        for i in 1..1600 loop execute format('comment on column wide.c%s is %L', i, repeat('x', 100)); end loop;
      end $$;
      grant select on all tables in schema public to reader`,
    )
    const rows = await catalogRows(url, catalogSql(EVERYTHING))
    expect(Math.max(...rows.map(row => Buffer.byteLength(row)))).toBeLessThan(MIB)
    const snapshot = await readCatalog(url)
    const table = relationIn(snapshot, 'public', 't')
    for (const text of [
      table.comment,
      table.columns[0]?.comment,
      table.columns[0]?.default,
      table.constraints?.[0]?.definition,
      table.policies?.[0]?.using,
    ]) {
      expect(text).toMatch(/ \.{3} \[\d{7} bytes, sha-256 [0-9a-f]{64}\]$/)
      expect(text?.length).toBeLessThan(4_200)
    }
    expect(relationIn(snapshot, 'public', 'long').definition).toMatch(/ bytes, sha-256 /)
    expect(relationIn(snapshot, 'public', 'wide').columns).toHaveLength(1600)
    expect(schemaIn(snapshot, 'public').enums?.[0]?.labels).toHaveLength(5000)
  })

  it('whose truncated text changes after the cut has another fingerprint', async () => {
    const url = await database(
      'behind',
      `create table t (a text); comment on table t is '${'x'.repeat(9000)}a'; grant select on t to reader`,
    )
    const before = fingerprintOf(await readCatalog(url))
    await server.query(`comment on table t is '${'x'.repeat(9000)}b'`, 'behind')
    expect(fingerprintOf(await readCatalog(url))).not.toBe(before)
  })

  it('beyond the limits is a fault that names the limit, and nothing of the database', async () => {
    const url = await database(
      'many',
      `create table very_secret (a text); create table b (); create table c (); grant select on all tables in schema public to reader`,
    )
    const few = await readCatalog(url, EVERYTHING, { limits: { ...AMPLE, maxRelations: 2 } }).catch(error => error)
    expect(few).toBeInstanceOf(Fault)
    expect(few).toMatchObject({
      code: 'introspection_failed',
      issues: [{ path: ['schemas'], code: 'too_large', ctx: { maxRelations: 2 } }],
    })
    const small = await readCatalog(url, EVERYTHING, { limits: { ...AMPLE, maxBytes: 500 } }).catch(error => error)
    expect(small).toMatchObject({ code: 'introspection_failed', issues: [{ ctx: { maxBytes: 500 } }] })
    expect(JSON.stringify([few, small, String(few.cause), few.stack])).not.toContain('very_secret')
  })
})

describe('code in a catalog', () => {
  const TRAP = `create function public.sprung() returns text language plpgsql as $$ begin raise exception 'the trap was sprung'; end $$`

  it('never runs: views, defaults, checks, policies, indexes, rules, domains and generated columns', async () => {
    const url = await database(
      'code',
      `create function public.sprung() returns boolean language plpgsql immutable as $$ begin return true; end $$;
      create domain d as text default public.sprung()::text check (public.sprung());
      create table t (a text default public.sprung()::text, b d, c boolean generated always as (public.sprung()) stored, check (public.sprung()));
      create index on t ((public.sprung())) where public.sprung();
      alter table t enable row level security; alter table t force row level security;
      create policy p on t using (public.sprung()) with check (public.sprung());
      create view sleeps as select pg_sleep(60)::text as a, public.sprung() as b;
      create materialized view m as select public.sprung() with no data;
      create table parted (a boolean) partition by list ((public.sprung() = a));
      grant select, insert, update, delete on all tables in schema public to reader;
      create or replace function public.sprung() returns boolean language plpgsql immutable as $$ begin raise exception 'the trap was sprung'; end $$`,
    )
    const startedAtMs = performance.now()
    const snapshot = await readCatalog(url)
    expect(performance.now() - startedAtMs).toBeLessThan(10_000)
    const table = relationIn(snapshot, 'public', 't')
    expect(table.columns[0]?.default).toBe('(public.sprung())::text')
    expect(table.columns[2]?.generated).toBe('public.sprung()')
    expect(table.policies?.[0]).toMatchObject({ using: 'public.sprung()', check: 'public.sprung()' })
    expect(relationIn(snapshot, 'public', 'sleeps').definition).toContain('pg_sleep')
  })

  it('never runs when it looks like a function, operator, type or relation of the catalog', async () => {
    const url = await database(
      'lookalikes',
      `${TRAP};
      ${['=', '<>', '>', '>=', '+', '*']
        .flatMap(operator =>
          ['name, text', 'text, text', 'oid, integer', '"char", text', 'name, name'].map(
            (
              types,
              at,
            ) => `create function public.trap_${at}(${types}) returns boolean language plpgsql as $$ begin perform public.sprung(); end $$;
              create operator public.${operator} (function = public.trap_${at}, leftarg = ${types.split(',')[0]}, rightarg = ${types.split(',')[1]})`,
          ),
        )
        .join(';')
        .replaceAll('create function', 'create or replace function')};
      create function public.format_type(oid, integer) returns text language sql as 'select public.sprung()';
      create function public.has_table_privilege(oid, text) returns text language sql as 'select public.sprung()';
      create function public.concat(text, text) returns text language sql as 'select public.sprung()';
      create function public.json_build_object(text, text) returns text language sql as 'select public.sprung()';
      create function public.length(text) returns text language sql as 'select public.sprung()';
      create table public.pg_class (oid oid); create table public.pg_namespace (oid oid); create table public.pg_attribute (oid oid);
      create domain public.text as pg_catalog.text; create domain public.int8 as pg_catalog.int8; create domain public.oid as pg_catalog.oid;
      grant select on all tables in schema public to reader`,
    )
    const before = 'set search_path = public, pg_catalog'
    const expected = await readCatalog(url)
    expect(relationIn(expected, 'public', 'pg_class').columns).toHaveLength(1)
    const own = catalogSql(EVERYTHING)
    const rows = await catalogRows(url, own.replace(/^set local search_path.*$/m, ''), before)
    const reader = createCatalogReader(EVERYTHING, AMPLE)
    for (const row of rows) reader.row(row)
    const found = reader.finish()
    expect(found.schemas[0]?.relations.map(({ name }) => name)).toEqual(
      expected.schemas[0]?.relations.map(({ name }) => name),
    )
    expect(fingerprintOf(await readCatalog(url, EVERYTHING, { before }))).toBe(fingerprintOf(expected))
  })

  it('has no name to hide behind: the query names the schema of every function, type and operator', () => {
    const [, select = ''] = catalogSql({ schemas: ['a'], excludedSchemas: [] }).split('with recursive')
    const bare = select.replace(/'[^']*'/g, "''").replace(/operator\(pg_catalog\.[-=<>+*]+\)/g, 'OP')
    // Words of SQL's own grammar, and aliases that name their columns.
    const words = 'all and any array as by coalesce exists filter from in lateral not or select then union when where'
    const aliases = 'above c j k part s sc setting u materialized operator'
    const known = new Set(`${words} ${aliases}`.split(' '))
    const called = [...bare.matchAll(/(?<![\w."])([a-z_]+) ?\(/g)].map(([, name = '']) => name)
    expect(called.filter(name => !known.has(name))).toEqual([])
    expect([...bare.matchAll(/::(?!pg_catalog\.)/g)]).toEqual([])
    expect(bare.replaceAll('count(*)', '').match(/[-=<>+*/~!@#%^&|`?]/g)).toBeNull()
    const tables = [...bare.matchAll(/\b(?:from|join) (?!pg_catalog\.|lateral |\()(\w+)/g)].map(([, name]) => name)
    expect(new Set(tables)).toEqual(
      new Set(['above', 'ext', 'folded', 'found', 'indexed', 'ns', 'part', 'rel', 'seq', 'tree']),
    )
    expect(bare).not.toMatch(/\b(in \(|between|is distinct|using|like|nullif|natural)\b/)
  })

  it('is read in a database of another encoding, for any request', async () => {
    await server.query("create database latin encoding 'LATIN1' locale_provider libc locale 'C' template template0")
    const url = new URL('/latin', server.adminUrl).href
    await query(
      url,
      `create schema "é"; create table "é"."tâble" ("çolumn" text default 'ñ'); comment on schema "é" is '${'é'.repeat(9000)}'`,
    )
    const snapshot = await readCatalog(url, { schemas: ['é', '🐘'], excludedSchemas: [] })
    expect(relationIn(snapshot, 'é', 'tâble').columns).toEqual([{ name: 'çolumn', type: 'text', default: "'ñ'::text" }])
    expect(snapshot.findings).toEqual([{ schema: '🐘', finding: 'unknown' }])
    expect(schemaIn(snapshot, 'é').comment).toMatch(/^é{2000} \.{3} \[9000 bytes/)
    expect(catalogSql({ schemas: ['é'], excludedSchemas: [] })).toMatch(/^[\n -~]*$/)
  })

  it('cannot enter by the name of a requested schema', async () => {
    const url = await database(
      'injection',
      'create table public.kept (id integer); grant select on public.kept to reader',
    )
    const names = [
      "'; drop table public.kept; --",
      "\\'; select 1/0; --",
      "E'\\",
      '$$',
      "public' or true --",
      'x'.repeat(100),
      '🐘',
    ]
    for (const before of ['', 'set standard_conforming_strings = off; set backslash_quote = on']) {
      const snapshot = await readCatalog(url, { schemas: names, excludedSchemas: [] }, { before })
      expect(snapshot.schemas).toEqual([])
      expect(snapshot.findings).toHaveLength(names.length)
      const rest = await readCatalog(url, { schemas: null, excludedSchemas: names }, { before })
      expect(relationIn(rest, 'public', 'kept').columns).toHaveLength(1)
    }
  })
})

describe('a catalog in use', () => {
  it('aborts the reading, by lock_timeout, when PostgreSQL locks to deparse, and stays unchanged', async () => {
    const url = await database(
      'locked',
      'create table t (a integer, b integer default 1, c integer generated always as (a + 1) stored); grant select on t to reader',
    )
    const holder = new pg.Client({ connectionString: new URL('/locked', server.adminUrl).href })
    await holder.connect()
    try {
      await holder.query('begin; lock table t in access exclusive mode')
      const reading = await readCatalog(url, EVERYTHING, { before: "set lock_timeout = '100ms'" }).catch(error => error)
      expect(reading).toMatchObject({ code: '55P03' })
    } finally {
      await holder.end()
    }
    expect(relationIn(await readCatalog(url), 'public', 't').columns).toHaveLength(3)
  })
})

describe('rows that our query does not produce', () => {
  const head = '{"k":"head","version":180004}'
  const schema = '{"k":"schema","name":"public","usable":true,"comment":null,"extension":null}'
  const relation = (more: object = {}) =>
    JSON.stringify({
      ...{ k: 'relation', id: '1', schema: 'public', name: 'hunter2', kind: 'r', may: 's', partly: false },
      ...{ secured: false, forced: false, rows: 0, bytes: 0, partitions: null, server: null, query: null },
      ...{ partitionKey: null, options: null, ...more },
    })
  const columns = (more: object = {}) =>
    JSON.stringify({
      ...{
        k: 'columns',
        id: '1',
        numbers: [1],
        names: ['a'],
        types: ['text'],
        flags: [''],
        collations: null,
        may: null,
      },
      ...more,
    })
  const key = {
    name: 'k',
    kind: 'f',
    numbers: [1],
    targetId: '1',
    targetNumbers: [1],
    target: null,
    update: 'a',
    delete: 'a',
  }
  const constraints = JSON.stringify({ k: 'constraints', id: '1', constraints: [{ ...key, definition: null }] })
  const comments = JSON.stringify({
    k: 'comments',
    id: '1',
    texts: { '0': 'about it', '1': 'about a', '9': 'about nothing' },
  })

  it('are refused, without a word of theirs', () => {
    const bad = [
      'hunter2',
      '',
      'null',
      '[]',
      '"hunter2"',
      '{"k":"hunter2"}',
      '{"k":"head","version":"hunter2"}',
      relation({ kind: 'hunter2' }),
      columns({ numbers: ['hunter2'] }),
      columns({ names: 'hunter2' }),
      comments.replace('"about it"', '["hunter2"]'),
      constraints.replace('"f"', '"hunter2"'),
      relation({ schema: 'pg_catalog' }),
      relation({ schema: 'hunter2' }),
      '['.repeat(500_000),
      `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    ]
    for (const text of bad) {
      const reader = createCatalogReader({ schemas: ['public'], excludedSchemas: [] }, AMPLE)
      reader.row(head)
      reader.row(schema)
      const fault = faultOf(() => reader.row(text))
      expect(fault.code).toBe('server_misbehaved')
      expect(`${fault.stack} ${fault.cause} ${JSON.stringify(fault)}`).not.toContain('hunter2')
    }
  })

  it('make no snapshot when the first is missing, a schema is not named, or a name repeats', () => {
    const bad = [[], [schema], [head, relation()], [head, schema, relation(), relation()], [head, schema, columns()]]
    for (const rows of bad) {
      const reader = createCatalogReader(EVERYTHING, AMPLE)
      for (const row of rows) reader.row(row)
      expect(faultOf(() => reader.finish()).code).toBe('server_misbehaved')
    }
  })

  it('may arrive in any order', () => {
    const whole = [head, schema, relation({ name: 'orders' }), columns(), comments, constraints]
    const read = (rows: readonly string[]) => {
      const reader = createCatalogReader(EVERYTHING, AMPLE)
      for (const row of rows) reader.row(row)
      return reader.finish()
    }
    const expected = read(whole)
    expect(relationIn(expected, 'public', 'orders')).toMatchObject({
      comment: 'about it',
      columns: [{ name: 'a', comment: 'about a' }],
      constraints: [{ columns: ['a'], references: { schema: 'public', relation: 'orders', columns: ['a'] } }],
    })
    expect(read(whole.toReversed())).toEqual(expected)
    expect(read([...whole.slice(3), ...whole.slice(0, 3)])).toEqual(expected)
  })

  it('cannot reach the prototype of any object', () => {
    const reader = createCatalogReader(EVERYTHING, AMPLE)
    reader.row(head)
    reader.row(
      '{"k":"schema","name":"__proto__","usable":true,"comment":null,"extension":null,"__proto__":{"polluted":1}}',
    )
    reader.row(relation({ schema: '__proto__', name: 'constructor' }))
    reader.row(columns())
    reader.row('{"k":"comments","id":"1","texts":{"__proto__":"polluted","1":"ok"}}')
    const snapshot = reader.finish()
    expect(relationIn(snapshot, '__proto__', 'constructor').columns).toEqual([
      { name: 'a', type: 'text', comment: 'ok' },
    ])
    expect(JSON.stringify(snapshot)).not.toContain('polluted')
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
})
