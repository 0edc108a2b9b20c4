/** The types of a snapshot keep their names, and promise no more than the server enforces. */
import { describe, expect, it } from 'vitest'
import { schemaTypes } from '#client/cli/schema-types.ts'
import { snapshot } from '#test/support/schemas/snapshots.ts'

describe('the types of a snapshot', () => {
  it('keep the names of `public` when another schema, or a name in another case, is added', () => {
    const table = (name: string) => ({ name, kind: 'table', columns: [] })
    const namesOf = (schemas: [string, string[]][]) => {
      const made = schemas.map(([name, tables]) => ({ name, relations: tables.map(table) }))
      return [...schemaTypes(snapshot({ schemas: made })).matchAll(/^ {2}(\S+): (\S+)$/gm)].map(
        it => `${it[1]} ${it[2]}`,
      )
    }
    const before = namesOf([
      ['public', ['users']],
      ['sales', ['users']],
    ])
    expect(before).toEqual(['users UsersTable', '"sales.users" SalesUsersTable'])
    const after = namesOf([
      ['audit', ['users']],
      ['public', ['Users', 'sales_users', 'users']],
      ['sales', ['users']],
    ])
    expect(after).toEqual(expect.arrayContaining(['users UsersTable', '"audit.users" AuditUsersTable']))
  })

  it('say of a table whose name Kysely cannot express that `Database` lacks it', () => {
    const relations = ['plain', 'a.b'].map(name => ({ name, kind: 'table', columns: [] }))
    const text = schemaTypes(snapshot({ schemas: [{ name: 'sales', relations }] }))
    expect(text).toContain(
      '// Not in Database, because Kysely takes a dot for the end of the schema.\nexport interface SalesABTable {',
    )
    expect(text.match(/Not in Database/g)).toHaveLength(1)
    expect(text).toMatch(/export interface Database \{\n {2}"sales\.plain": SalesPlainTable\n\}/)
  })

  it('promise no more than the server enforces', () => {
    const domains = [{ name: 'public.must', type: 'text', notNull: true }]
    const relation = (name: string, kind: string, column: object) => ({
      name,
      kind,
      columns: [{ name: 'c', ...column }],
    })
    const text = schemaTypes(
      snapshot({
        version: 2,
        schemas: [
          {
            name: 'public',
            domains,
            relations: [
              relation('a', 'table', { type: 'text', notNullUnvalidated: true }),
              relation('b', 'view', { type: 'public.must' }),
              relation('d', 'foreign_table', { type: 'text', notNull: true }),
              relation('e', 'table', { type: 'text', notNull: true, nullBelow: true }),
              relation('f', 'table', { type: 'public.lo', base: 'oid', notNull: true }),
              relation('g', 'table', { type: 'public.must' }),
            ],
          },
        ],
      }),
    )
    const unlike = 'ColumnType<string | null, string, string>'
    expect([...text.matchAll(/^ {2}c: (.+)$/gm)].map(it => it[1])).toEqual([
      unlike,
      unlike,
      unlike,
      unlike,
      'number',
      'string',
    ])
  })
})
