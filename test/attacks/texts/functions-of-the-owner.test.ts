/**
 * Attack: a tier that is taken over calls the functions that run as the tables' owner, with its own search path,
 * objects and arguments: none of them is run with the owner's rights, and each function does only its own task.
 */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { makeTiers, type Tiers } from '#test/support/mooring/tiers.ts'

let tiers: Tiers
beforeAll(async () => {
  tiers = await makeTiers()
  // More than an installation grants: a schema in which the tier may create objects.
  await query(tiers.databaseUrl, `create schema theirs; grant all on schema theirs to ${tiers.role.worker}`)
})
afterAll(() => tiers.stop())

/** Shadows every object name that the functions use: a shadow that is called records the role it ran as. */
const TRAPS = `
  create function theirs.caught(what text) returns void language plpgsql as $$
    begin raise exception using errcode = 'P0099', message = pg_catalog.concat(what, ' as ', current_user); end $$;
  create function theirs.now() returns timestamptz language plpgsql as $$ begin perform theirs.caught('now'); return null; end $$;
  create function theirs.to_char(timestamp, text) returns text language plpgsql as $$ begin perform theirs.caught('to_char'); end $$;
  create function theirs.format(text, text) returns text language plpgsql as $$ begin perform theirs.caught('format'); end $$;
  create function theirs.date_trunc(text, timestamp) returns timestamp language plpgsql as $$ begin perform theirs.caught('date_trunc'); end $$;
  create function theirs.uuid_floor(timestamptz) returns uuid language plpgsql as $$ begin perform theirs.caught('uuid_floor'); end $$;
  create function theirs.less(uuid, uuid) returns boolean language plpgsql as $$ begin perform theirs.caught('<'); end $$;
  create operator theirs.< (leftarg = uuid, rightarg = uuid, function = theirs.less);
  create operator theirs.> (leftarg = uuid, rightarg = uuid, function = theirs.less);
  create operator theirs.<= (leftarg = uuid, rightarg = uuid, function = theirs.less);
  create function theirs.joined(text, text) returns text language plpgsql as $$ begin perform theirs.caught('||'); end $$;
  create operator theirs.|| (leftarg = text, rightarg = text, function = theirs.joined);
  create table theirs.pg_class (oid oid, relname name, relacl aclitem[], relowner oid, relpartbound text);
  create table theirs.pg_inherits (inhrelid oid, inhparent oid);
  create table theirs.verifications_default (id uuid); create table theirs.audit_events_default (id uuid, at timestamptz);
`
/** Shadows in the session's own schema, which need no right to create. */
const TEMPORARY = `
  create temporary table pg_class (oid oid, relname name, relacl aclitem[], relowner oid, relpartbound text);
  create temporary table pg_inherits (inhrelid oid, inhparent oid);
  create temporary table verifications (id uuid) ; create temporary table audit_events (id uuid);
  create temporary table verifications_default (id uuid); create temporary table audit_events_default (id uuid, at timestamptz);
`

/** Months and their owners. */
const tables = () =>
  query(
    tiers.databaseUrl,
    `select relname, relowner::regrole::text as owner, pg_get_expr(relpartbound, oid) as bound from pg_class
     where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1`,
  )

async function lastMonth(): Promise<string> {
  const [row] = await query(
    tiers.databaseUrl,
    `select max(c.relname::text) as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'public.verifications'::regclass and c.relname <> 'verifications_default'`,
  )
  return String(row?.['name'])
}

describe('A search path of the caller', () => {
  let caller: pg.Client
  beforeAll(async () => {
    caller = new pg.Client({ connectionString: tiers.roleUrl.worker })
    await caller.connect()
    await caller.query(TRAPS + TEMPORARY)
    await caller.query('set search_path = theirs, pg_temp, pg_catalog, public')
  })
  afterAll(() => caller.end())

  it('catches unqualified names: the traps work', async () => {
    for (const expression of ['now()', `date_trunc('month', timestamp '2026-01-01')`, `'a'::text || 'b'::text`])
      await expect(caller.query(`select ${expression}`)).rejects.toThrow(/ as /)
  })

  it.each([
    ['make_month()', true],
    [`drop_month('audit_events', 400)`, false],
    [`drop_month('verifications', 90)`, false],
  ])('makes %s use none of its objects', async (call, done) => {
    const before = await tables()
    if (done) await query(tiers.databaseUrl, `drop table ${await lastMonth()}`)
    expect((await caller.query(`select public.${call} as done`)).rows).toEqual([{ done }])
    expect(await tables()).toEqual(before)
  })

  it('makes overflowing_months() read none of its objects and write to none', async () => {
    await query(tiers.databaseUrl, `insert into theirs.verifications_default values (gen_random_uuid())`)
    expect((await caller.query('select public.overflowing_months() as name')).rows).toEqual([])
    await caller.query(`select public.drop_month('verifications', 90)`)
    expect(await query(tiers.databaseUrl, 'select count(*)::int as n from theirs.verifications_default')).toEqual([
      { n: 1 },
    ])
  })

  it('puts no other table in the place of a month: a table with a month’s name is refused', async () => {
    await query(tiers.databaseUrl, `grant create on schema public to ${tiers.role.worker}`)
    const month = await lastMonth()
    await query(tiers.databaseUrl, `drop table ${month}`)
    await query(tiers.roleUrl.worker, `create table public.${month} (like public.verifications)`)
    await expect(caller.query('select public.make_month()')).rejects.toThrow(/already exists/)
    const found = `select relispartition as attached from pg_class where oid = 'public.${month}'::regclass`
    expect(await query(tiers.databaseUrl, found)).toEqual([{ attached: false }])
  })
})
