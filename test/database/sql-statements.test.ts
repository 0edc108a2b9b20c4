/** Splits a migration's text into the statements that are sent one by one. */
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { migrationNames } from '#server/store/installation/migrate.ts'
import { statementsOf } from '#server/store/installation/sql-statements.ts'

describe('The statements of a text', () => {
  it.each([
    ['end at a semicolon, the last one without', 'select 1; select 2', ['select 1', 'select 2']],
    ['are none of white space and comments', ' ;\n-- select 1;\n;', []],
    ['keep comments', '-- one; two\nselect 1;', ['-- one; two\nselect 1']],
    ['keep a comment in stars', 'select /* a; b */ 1; select 2', ['select /* a; b */ 1', 'select 2']],
    ['keep texts', "select ';' || 'it''s; so'; select 2", ["select ';' || 'it''s; so'", 'select 2']],
    ['keep names', 'select 1 as "a;""b"; select 2', ['select 1 as "a;""b"', 'select 2']],
    ['keep dollar quotes', 'do $$ begin; end $$; select $a$ $$; $a$', ['do $$ begin; end $$', 'select $a$ $$; $a$']],
    ['know a parameter from a dollar quote', 'select $1; select $2', ['select $1', 'select $2']],
    ['know a quote in a comment', "-- it's\nselect 1; select 2", ["-- it's\nselect 1", 'select 2']],
  ])('%s', (_what, text, statements) => {
    expect(statementsOf(text)).toEqual(statements)
  })

  it.each(["select 'a", 'select "a', 'do $$ begin', 'select 1 /* a'])('must close every quote: %s', text => {
    expect(() => statementsOf(text)).toThrow(/has no end/)
  })

  it('lose nothing of a migration, and leave no semicolon outside of a quote', async () => {
    for (const name of await migrationNames()) {
      const text = await readFile(new URL(`../../migrations/${name}.sql`, import.meta.url), 'utf8')
      const bare = (sql: string) => sql.replace(/[\s;]/g, '')
      // The splitter does not handle a backslash before a quote.
      expect(text, name).not.toMatch(/\be'/i)
      expect(bare(statementsOf(text).join(''))).toBe(bare(text))
    }
  })
})
