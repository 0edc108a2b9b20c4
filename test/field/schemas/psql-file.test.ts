/**
 * Files for psql, split as psql splits them: those that
 * pg_dump writes, and those that people write.
 */
import { describe, expect, it } from 'vitest'
import { psqlFile } from '#test/support/schemas/psql-file.ts'

const split = (text: string) => psqlFile(text).statements.map(({ sql }) => sql)
const passed = (text: string) => psqlFile(text).passedOver.map(({ line, what }) => `${line}: ${what}`)

describe('a file for psql', () => {
  it.each([
    ['select 1; select 2', ['select 1', 'select 2']],
    ["select ';'; select 'it''s;'", ["select ';'", "select 'it''s;'"]],
    [
      String.raw`select e'\';'; select 'a\'; select 2`,
      [String.raw`select e'\';'`, String.raw`select 'a\'`, 'select 2'],
    ],
    ['select 1 as "a;""b"; select 2', ['select 1 as "a;""b"', 'select 2']],
    ['do $$ begin; end $$; do $_$ $$ ; $_$; select 2', ['do $$ begin; end $$', 'do $_$ $$ ; $_$', 'select 2']],
    ['-- a; b\nselect 1 -- c; d\n; /* e; /* f; */ ; */ select 2', ['select 1 -- c; d', 'select 2']],
    [
      'create rule r as on delete to t do (select 1; select 2); select 3',
      ['create rule r as on delete to t do (select 1; select 2)', 'select 3'],
    ],
    [
      'create function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3',
      ['create function f() returns int begin atomic select case when true then 1 end; select 2; end', 'select 3'],
    ],
    ['begin; create table t (a int); end; select 1', ['begin', 'create table t (a int)', 'end', 'select 1']],
    [';;  ;\n--\n', []],
    ['select $1; select 2', ['select $1', 'select 2']],
  ])('%s', (text, expected) => expect(split(text)).toEqual(expected))

  it('has rows and commands that no server accepts', () => {
    const text = [
      String.raw`\restrict abc`,
      'select 1;',
      'COPY app.t (a, b) FROM stdin;',
      "1\tit's; $$ /*",
      String.raw`\N	2`,
      String.raw`\.`,
      'select 2;',
      'copy t from stdin with (format csv);',
      String.raw`\.`,
      String.raw`select 3 \gexec`,
      String.raw`\connect other`,
      'select 4;',
    ].join('\n')
    expect(split(text)).toEqual(['select 1', 'select 2', 'select 3', 'select 4'])
    expect(passed(text)).toEqual([
      String.raw`1: \restrict abc`,
      '3: rows of app.t',
      '8: rows of t',
      String.raw`10: \gexec`,
      String.raw`11: \connect other`,
    ])
    expect(psqlFile(text).statements.map(({ line }) => line)).toEqual([2, 7, 10, 12])
  })
})
