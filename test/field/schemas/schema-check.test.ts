/**
 * `npm run -s schema-check`, run as a person would,
 * on files from pg_dump and from people.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mooring-check-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function check(
  sql: string | null,
  ...more: string[]
): Promise<{ status: number; stdout: string; stderr: string }> {
  const path = join(folder, 'schema.sql')
  if (sql !== null) await writeFile(path, sql)
  return new Promise(resolve => {
    const args = ['test/field/schemas/check.ts', ...(sql === null ? [] : [path]), ...more]
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

const DUMP = String.raw`
\restrict Xy1
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8';
ALTER DATABASE shop OWNER TO shop_owner;
\connect shop
CREATE SCHEMA shop;
ALTER SCHEMA shop OWNER TO shop_owner;
CREATE TABLE shop.goods (id integer NOT NULL, name text DEFAULT 'a;b'::text);
ALTER TABLE shop.goods OWNER TO shop_owner;
COPY shop.goods (id, name) FROM stdin;
1	x;y
2	\N
\.
ALTER TABLE ONLY shop.goods ADD CONSTRAINT goods_pkey PRIMARY KEY (id);
CREATE INDEX CONCURRENTLY goods_name ON shop.goods USING btree (name);
CREATE POLICY readers ON shop.goods FOR SELECT TO reader USING (true);
GRANT SELECT ON TABLE shop.goods TO reader, "Old ""Writer""";
VACUUM ANALYZE;
\unrestrict Xy1
`

describe('schema-check', () => {
  it('loads a dump with missing roles, rows, commands of psql and statements outside of transactions', async () => {
    const { status, stdout } = await check(DUMP)
    expect(stdout).toContain('1 tables and views')
    expect(stdout).toContain('made for it:\n  shop_owner\n  reader\n  Old "Writer"\n')
    for (const line of [
      'line 5: CREATE DATABASE shop',
      'line 6: ALTER DATABASE shop',
      String.raw`line 7: \connect shop`,
      'line 12: rows of shop.goods',
    ])
      expect(stdout).toContain(line)
    expect(stdout).not.toContain('Refused')
    expect(stdout).toMatch(/Nothing differs\.\n$/)
    expect(status).toBe(0)
  })

  it('reports the statements that the server refused, continues, and ends with 1', async () => {
    const { status, stdout } = await check(
      'begin;\ncreate table a (x int);\nselect 1 / 0;\ncreate table b (x place_of_nowhere);\ncreate table c (x int);\ncommit;\ncreate extension nowhere;',
    )
    expect(stdout).toContain('2 tables and views')
    expect(stdout).toContain('line 3: division by zero\n  line 4: type "place_of_nowhere" does not exist\n  line 7: ')
    expect(stdout).toContain('Nothing differs.')
    expect(status).toBe(1)
  })

  it('names the objects that a snapshot does not hold, on the requested version', async () => {
    const { status, stdout } = await check(
      `create function f() returns int language sql as 'select 1';
      create operator === (leftarg = int, rightarg = int, function = int4eq);
      create function t() returns event_trigger language plpgsql as 'begin end'; create event trigger e on ddl_command_end execute function t();
      create cast (bigint as boolean) with inout; alter default privileges grant select on tables to public;
      create text search configuration words (copy = simple); create table x (a int default f())`,
      '13',
    )
    for (const name of [
      'function public.f()',
      'operator public.===(integer,integer)',
      'event trigger e',
      'cast (bigint AS boolean)',
      'default acl for role postgres on tables',
      'text search configuration public.words',
      'alter table public.x alter column a set default public.f',
    ])
      expect(stdout).toContain(`--   ${name}\n`)
    expect(stdout).toMatch(/Nothing differs but what the first lines name, \d+ in all\.\n$/)
    expect(status).toBe(0)
  })

  it('refuses a missing argument, a missing file and an unknown version', async () => {
    expect(await check(null)).toMatchObject({ status: 2, stderr: expect.stringContaining('Name a file') })
    expect(await check(null, '/nowhere.sql')).toMatchObject({ status: 2, stderr: '/nowhere.sql: ENOENT\n' })
    expect(await check('select 1', '12')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/no PostgreSQL 12/),
    })
  })
})
